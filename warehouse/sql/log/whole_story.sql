-- one row is a fact of a source whose whole story is told anew: all of time is asked about
select
    key,
    min(valid_from) as opens_at,
    null::timestamp as closes_at,
    null::varchar as closed_by
from (
    select key, valid_from from stated
    union all
    select key, valid_from from believed
)
group by key
