-- one row is a source and how it is
select
    source,
    state,
    last_look_at,
    last_good_at,
    confirmed_at,
    next_due_at,
    split_part(reason, '; ', 1) as reason
from source_health
order by source
