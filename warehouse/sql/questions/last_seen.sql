-- one row is the last look at a source that saw something, in the order of the journal
select
    l.source,
    l.looked_at,
    l.known_at,
    l.url,
    l.capture_sha256,
    c.media_type,
    l.byte_count,
    l.etag,
    l.last_modified,
    l.robots
from looks as l
join captures as c on l.source = c.source and l.capture_sha256 = c.capture_sha256
qualify row_number() over (partition by l.source order by l.position desc) = 1
