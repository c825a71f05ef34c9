-- one row is a notice to a channel, and what became of it; the newest first
select
    d.event_id,
    d.channel,
    d.notice,
    d.state,
    e.kind,
    e.rule,
    e.provider,
    d.queued_at,
    d.due_at,
    d.attempts,
    d.tried_at,
    case when d.state in ('queued', 'sending') then d.next_at end as next_at,
    d.error,
    d.receipt,
    d.delivered_at,
    d.delivery_id
from deliveries as d
join events as e on d.event_id = e.event_id
where $everything or d.state in ('queued', 'sending', 'given_up')
order by d.queued_at desc, d.channel, d.delivery_id
