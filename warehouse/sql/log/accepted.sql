-- one row is the last decision on a doubt, if it was to accept what is said
select verdict
from (
    from decisions
    where source = $source and fingerprint = $fingerprint
    order by position desc
    limit 1
)
where verdict = 'accepted'
