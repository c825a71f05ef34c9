-- one row is a notice that is to be sent to a channel now, the oldest first
select d.*, e.kind, e.rule, e.provider, e.event
from deliveries as d
join events as e on d.event_id = e.event_id
where d.channel = $channel and d.state in ('queued', 'sending') and d.next_at <= $now
order by e.fires_at, d.queued_at, d.delivery_id
limit $most
