-- fact_intervals(known_by): one row is what one source said, or no longer said, of one fact, and from when to when, as known then
select
    * exclude (believed_from, believed_to)
    replace (nullif(valid_to, timestamp 'infinity') as valid_to)
from intervals
where believed_from <= known_by::timestamp
    and believed_to > least(known_by::timestamp, timestamp '9999-12-31')
