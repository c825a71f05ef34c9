-- one row is a notice that an evaluation puts into the outbox
--
-- `fired` when an event fires, `resolved` when a state that was told of holds no more, `again` when
-- it still does after so many days. What a rule says of one seller soon after the last is held
-- back until `$together` is over, so that it comes together.
with told as (
    select
        d.event_id,
        d.channel,
        max(d.delivered_at) as told_at,
        bool_or(d.state in ('queued', 'sending')) as is_waiting,
        bool_or(d.notice = 'resolved') as is_over
    from deliveries as d
    where d.state <> 'cancelled'
    group by d.event_id, d.channel
),

busy as (
    select d.channel, e.kind, e.rule, e.provider, max(d.delivered_at) + $together as until
    from deliveries as d
    join events as e on d.event_id = e.event_id
    where d.delivered_at > $now - $together
    group by d.channel, e.kind, e.rule, e.provider
),

muted as (
    select distinct kind, rule
    from mutes
    where until > $now
),

notices as (
    select
        e.event_id,
        r.channel,
        case
            when t.event_id is null and e.state = 'firing' and e.fired_at = $now then 'fired'
            when t.event_id is not null
                and not t.is_over
                and e.state = 'resolved'
                and e.ended_at = $now
                and e.silence is null
                and e.acked_at is null
                and r.recovery
                -- that a day has come is no news to who was told of it
                and not (
                    e.kind = 'ends'
                    and coalesce(try_cast(e.event ->> 'new' as date) <= $now::date, false)
                )
                then 'resolved'
            when e.is_state
                and e.state in ('firing', 'silent')
                and coalesce(e.silence = 'first load', true)
                and e.acked_at is null
                and u.rule is null
                and not coalesce(t.is_waiting, false)
                and coalesce(
                    t.told_at, case when e.silence = 'first load' then e.seen_at end
                ) <= $now - r.again_days * interval 1 day
                then 'again'
        end as notice,
        greatest(r.due_at, case when r.is_held then b.until end) as due_at
    from events as e
    join routes as r on e.kind = r.kind and e.rule = r.rule
    left join told as t on e.event_id = t.event_id and r.channel = t.channel
    left join muted as u on e.kind = u.kind and e.rule = u.rule
    left join busy as b
        on r.channel = b.channel
        and e.kind = b.kind
        and e.rule = b.rule
        and e.provider is not distinct from b.provider
    where e.fired_at = $now or e.ended_at = $now or e.is_state and e.ended_at is null
)

select
    md5(concat_ws('|', event_id, channel, notice, case when notice = 'again' then $now end))
        as delivery_id,
    event_id,
    channel,
    notice,
    'queued' as state,
    $now as queued_at,
    due_at,
    0 as attempts,
    due_at as next_at
from notices
where notice is not null
