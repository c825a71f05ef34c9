-- one row is a source: when it was last looked at, when it last gave a good capture, and how it is
with last_look as (
    select source, looked_at, outcome, error
    from looks
    qualify row_number() over (partition by source order by looked_at desc, position desc) = 1
),

last_good as (
    select source, max(looked_at) as looked_at
    from looks
    where outcome in ('read', 'unchanged')
    group by source
),

confirmed as (
    select source, max(confirmed_at) as confirmed_at from current_prices group by source
)

select
    s.source,
    s.provider,
    case
        when l.source is null then 'never'
        when s.unasked is not null then 'stale'
        when l.outcome = 'unreachable' then 'unreachable'
        when l.outcome = 'refused' then 'failing'
        when l.outcome = 'quarantined' then 'quarantined'
        when coalesce(c.confirmed_at, g.looked_at)
            < b.built_at - greatest(3 * s.cadence_hours, 48) * interval 1 hour then 'stale'
        else 'ok'
    end as state,
    l.looked_at as last_look_at,
    g.looked_at as last_good_at,
    c.confirmed_at,
    coalesce(l.looked_at + s.cadence_hours * interval 1 hour, b.built_at) as next_due_at,
    coalesce(l.error, s.unasked) as reason,
    s.rank,
    s.url,
    s.description
from sources as s
cross join build_info as b
left join last_look as l using (source)
left join last_good as g using (source)
left join confirmed as c using (source)
order by s.source
