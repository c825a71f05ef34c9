-- one row is the last decision on a capture as a whole, if it was to reject it
select reason
from (
    from decisions
    where source = $source and fingerprint = $capture_sha256
    order by position desc
    limit 1
)
where verdict = 'rejected'
