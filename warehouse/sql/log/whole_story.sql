-- one row is a fact of a source whose story is told anew: all of time since an instant is asked about
select
    key,
    greatest(min(valid_from), $since::timestamp) as opens_at,
    null::timestamp as closes_at,
    null::varchar as closed_by
from (
    select key, valid_from from stated
    union all
    select key, valid_from from believed
)
group by key
