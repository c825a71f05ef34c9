-- one row is a capture of a source that is believed, the newest first
select min(looked_at) as looked_at, capture_sha256
from looks
where source = $source and outcome = 'read'
group by capture_sha256
order by looked_at desc
