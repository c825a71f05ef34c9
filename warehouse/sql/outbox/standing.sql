-- one row is an event as it stands after an evaluation, where that is otherwise than before it
with muted as (
    select distinct kind, rule
    from mutes
    where until > $now
),

met as (
    select
        coalesce(s.event_id, e.event_id) as event_id,
        coalesce(s.kind, e.kind) as kind,
        coalesce(s.rule, e.rule) as rule,
        coalesce(s.provider, e.provider) as provider,
        coalesce(s.is_state, e.is_state) as is_state,
        e.state as before,
        e.silence as silence_before,
        s.event_id is not null as is_seen,
        coalesce(s.is_pending, false) as is_pending,
        coalesce(s.is_first_load, false) as is_first_load,
        coalesce(e.fires_at, s.fires_at) as fires_at,
        coalesce(e.seen_at, $now) as seen_at,
        e.fired_at as fired_before,
        e.ended_at as ended_before,
        e.acked_at,
        e.ack_reason,
        coalesce(s.event, e.event) as event,
        e.event as event_before
    from events as e
    full join seen as s on e.event_id = s.event_id
),

judged as (
    select
        m.*,
        u.rule is not null as is_muted,
        -- nobody asks any more, or asks for something else
        r.rule is null or r.is_changed as is_asked_otherwise,
        before is null
        or before = 'pending'
        or before = 'silent' and silence_before = 'muted' and is_state as is_open,
        case
            when m.is_first_load then 'first load'
            when is_muted then 'muted'
            when not m.is_state and m.fires_at <= r.watches_from then 'before the rule'
        end as silenced
    from met as m
    left join asked_rules as r on m.kind = r.kind and m.rule = r.rule
    left join muted as u on m.kind = u.kind and m.rule = u.rule
),

standing as (
    select
        *,
        case
            when is_open and is_seen and is_pending then 'pending'
            when is_open and is_seen and silenced is not null then 'silent'
            when is_open and is_seen then 'firing'
            when before = 'pending' then 'refuted'
            when is_state and not is_seen and before in ('firing', 'silent') then 'resolved'
            -- an event that comes back is the same event, and was told
            when is_state and is_seen and before = 'resolved' and fired_before is not null then 'firing'
            when is_state and is_seen and before = 'resolved' then 'silent'
            else before
        end as state
    from judged
)

select
    event_id,
    kind,
    rule,
    provider,
    is_state,
    state,
    case
        when state = 'silent' then case when is_open then silenced else silence_before end
        when state = 'resolved' and before = 'silent' then silence_before
        -- that a rule is asked otherwise ends nothing in the world
        when state = 'resolved' and before = 'firing' and is_asked_otherwise then 'rule changed'
        when state = 'resolved' then silence_before
    end as silence,
    fires_at,
    seen_at,
    case when state = 'firing' and is_open then $now else fired_before end as fired_at,
    case
        when state in ('resolved', 'refuted') and before not in ('resolved', 'refuted') then $now
        when state in ('resolved', 'refuted') then ended_before
    end as ended_at,
    acked_at,
    ack_reason,
    event
from standing
where before is distinct from state
    or is_seen and is_state and event is distinct from event_before
