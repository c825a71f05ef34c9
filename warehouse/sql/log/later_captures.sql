-- one row is a look of a source, after a time, that captured something, oldest first
select
    source,
    looked_at,
    known_at,
    url,
    capture_sha256,
    byte_count,
    coalesce(is_dated, false) as is_dated,
    outcome in ('read', 'unchanged') as is_good
from looks
where source = $source and looked_at > $looked_at and capture_sha256 is not null
order by looked_at, position
