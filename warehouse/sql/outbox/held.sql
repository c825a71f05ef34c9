-- one row is an event that the last evaluation met, and that the next one must meet or it is over
select event_id, kind, event
from events
where ended_at is null and (is_state or state = 'pending')
order by event_id
