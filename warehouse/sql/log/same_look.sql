-- one row is a look that saw the same bytes of the same source at the same time
select position
from looks
where source = $source and looked_at = $looked_at and capture_sha256 = $capture_sha256
