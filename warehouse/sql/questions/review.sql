-- one row is a doubt that the gate had, those that wait for a decision first
select
    source,
    state,
    severity,
    rule,
    reason,
    decision,
    looked_at
from review
where ($source::varchar is null or source = $source)
    and ($everything or severity <> 'flag')
order by state <> 'waiting', source, severity <> 'hold', severity, rule, reason
