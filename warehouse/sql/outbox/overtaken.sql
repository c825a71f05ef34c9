-- one row is a notice that nobody has tried to send, and that nobody needs to hear any more
select d.delivery_id
from deliveries as d
join events as e on d.event_id = e.event_id
where d.state = 'queued'
    and d.attempts = 0
    and (
        d.notice <> 'resolved' and e.is_state and e.ended_at is not null
        or e.acked_at is not null
        or exists (
            from mutes as m
            where m.kind = e.kind and m.rule = e.rule and m.until > $now
        )
    )
