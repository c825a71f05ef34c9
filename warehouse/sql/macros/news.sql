-- news(is_replay := false): one row is a change, when it was told and became known, and whether it is news
--
-- News is what was seen to happen: neither what was so when its source was first looked at,
-- however the source dates it, nor what was only read or printed otherwise. A capture that became
-- known later than an hour after it was taken was loaded from a file, and is silent with all that
-- it made known. A replay takes each capture as if it had been read on its own day.
with good_looks as (
    select
        source,
        looked_at,
        lag(looked_at) over (partition by source order by looked_at) as before_at,
        min(known_at) over (
            partition by source order by looked_at rows between unbounded preceding and 1 preceding
        ) as before_known_at
    from looks
    where outcome in ('read', 'unchanged')
),

-- the same bytes may be seen again later, and say anew what they say of other times
tellings as materialized (
    select source, capture_sha256, known_at, min(looked_at) as looked_at
    from looks
    where capture_sha256 is not null
    group by source, capture_sha256, known_at
),

first_tellings as (
    select source, capture_sha256, arg_min(known_at, looked_at) as known_at, min(looked_at) as looked_at
    from tellings
    group by source, capture_sha256
),

loadings as (
    select distinct source, known_at from looks where known_at > looked_at + interval 1 hour
),

-- what was believed of a capture before it was first read again
misread as (
    select distinct on (fact, valid_from)
        hash(
            source, provider, model, tuning_method, adapter, service_tier, region, context_tier,
            meter, price_list, term
        ) as fact,
        valid_from,
        row(
            old_availability,
            old_unit_price,
            old_pricing_currency,
            case when meter is null then old_value end
        ) as says
    from price_changes
    where cause = 'correction'
    order by fact, valid_from, known_at
),

well_read as (
    select
        hash(
            source, provider, model, tuning_method, adapter, service_tier, region, context_tier,
            meter, price_list, term
        ) as fact,
        valid_from,
        row(
            new_availability,
            new_unit_price,
            case when new_unit_price is not null then pricing_currency end,
            case when meter is null then new_value end
        ) as says
    from price_changes
    where cause <> 'correction'
        and fact in (select fact from misread)
        and (fact, valid_from) not in (select (fact, valid_from) from misread)
),

rereads as (
    select *, lag(says) over (partition by fact order by valid_from) as said_before
    from (select *, true as is_reread from misread union all select *, false from well_read)
    qualify is_reread
),

told as (
    select
        c.*,
        -- what a page says holds from the look on, unless the page dates it
        coalesce(l.looked_at, a.looked_at, f.looked_at, c.known_at) as told_at,
        coalesce(l.known_at, a.known_at, f.known_at, c.known_at) as heard_at,
        -- what was known already, and is read better, keeps its time
        case when r.fact is null then c.known_at else heard_at end as first_known_at,
        r.fact is null
        or r.says is distinct from coalesce(
            r.said_before,
            row(
                c.old_availability,
                c.old_unit_price,
                c.old_pricing_currency,
                case when c.meter is null then c.old_value end
            )
        ) as was_seen
    from price_changes as c
    left join rereads as r
        on c.valid_from = r.valid_from
        and r.fact = hash(
            c.source, c.provider, c.model, c.tuning_method, c.adapter, c.service_tier, c.region,
            c.context_tier, c.meter, c.price_list, c.term
        )
    left join (
        select source, capture_sha256, looked_at, min(known_at) as known_at
        from looks
        where capture_sha256 is not null
        group by source, capture_sha256, looked_at
    ) as l
        on c.source = l.source
        and c.capture_sha256 = l.capture_sha256
        and c.valid_from = l.looked_at
    left join tellings as a
        on c.source = a.source
        and c.capture_sha256 = a.capture_sha256
        and c.known_at = a.known_at
        and r.fact is null
    left join first_tellings as f
        on c.source = f.source and c.capture_sha256 = f.capture_sha256
)

select
    t.* exclude (heard_at, was_seen),
    case when is_replay then t.told_at else t.first_known_at end as fires_at,
    t.cause not in ('correction', 'unit_restated')
    and t.was_seen
    -- without a look before, it was the first
    and t.last_seen_before_at is not null
    and g.before_at is not null
    and t.valid_from >= least(g.before_at, t.told_at - interval 30 day)
    and (
        is_replay
        or g.before_known_at <= t.heard_at
        and t.heard_at <= t.told_at + interval 1 hour
        and b.source is null
        and t.first_known_at <= t.told_at + interval 30 day
    ) as is_news
from told as t
asof left join good_looks as g on t.source = g.source and t.told_at >= g.looked_at
left join loadings as b on t.source = b.source and t.first_known_at = b.known_at
