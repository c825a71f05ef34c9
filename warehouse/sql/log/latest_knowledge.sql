-- one row is the latest instant at which something became known
select max(known_at)
from (
    select max(known_at) as known_at from looks
    union all
    select max(known_at) from decisions
    union all
    select max(known_at) from choices
    union all
    select max(known_at) from facts
)
