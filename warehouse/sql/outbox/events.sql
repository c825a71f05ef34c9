-- one row is an event that a rule fired on, and what became of it; the newest first
select
    e.event_id,
    e.kind,
    e.rule,
    e.provider,
    case when e.state = 'firing' and d.delivered and not d.waiting then 'sent' else e.state end as state,
    e.silence,
    e.fires_at,
    e.seen_at,
    e.ended_at,
    e.acked_at,
    e.ack_reason,
    e.event
from events as e
left join (
    select
        event_id,
        bool_or(state = 'delivered') as delivered,
        bool_or(state in ('queued', 'sending')) as waiting
    from deliveries
    group by event_id
) as d on e.event_id = d.event_id
order by e.fires_at desc, e.event_id
