-- one row is a look of a source that captured something, oldest first
select
    l.position,
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
left join captures as c on l.capture_sha256 = c.capture_sha256 and l.source = c.source
where l.source = $source and l.capture_sha256 is not null
order by l.looked_at, l.position
