-- winner_history(since, until): one row is an offer, how long it was the cheapest for one question under one set of constraints between two instants, and the change that ended it
--
-- Asked at every instant at which something may have changed it: a price or a term did, a day came
-- that a term names, or a source went unconfirmed for too long. What comes within ten minutes, as
-- the looks of one refresh do, comes at once. A rate of exchange that moves in between ends nothing.
with trained as materialized (
    select distinct provider, canonical_model
    from intervals
    where meter in ('training_tokens', 'training_hours') and tuning_method <> 'none'
),

-- what can make an offer of a tuned model another one
told as materialized (
    select i.*
    from intervals as i
    where i.tuning_method <> 'none' and i.meter is not null
        or i.term is not null
        and (
            i.model = '*' and i.provider in (select provider from trained)
            or (i.provider, i.canonical_model) in (from trained)
        )
        -- a tuned model may run at the price of its base
        or i.meter in ('input_tokens', 'output_tokens')
        and i.provider in (select provider from intervals where term = 'tuned_inference_rule')
),

days as materialized (
    select
        *,
        -- the last day of training is one
        try_cast(value as date)
        + case when term = 'last_training_on' then interval 1 day else interval 0 day end as moment
    from told
    where is_listed
        and term in ('shutdown_on', 'last_training_on')
        and moment >= valid_from
        and coalesce(moment < valid_to, true)
),

rules as (
    -- the first moment at which a source is trusted no more that nobody confirmed since
    select trusted_days * interval 1 day + interval 1 microsecond as patience from build_info
),

heard as (
    select
        source,
        looked_at,
        looked_at + patience as lapsed_at,
        coalesce(
            lead(looked_at) over (partition by source order by looked_at) > lapsed_at, true
        ) as has_lapsed,
        coalesce(
            lag(lapsed_at) over (partition by source order by looked_at) < looked_at, false
        ) as is_back
    from looks
    cross join rules
    where outcome in ('read', 'unchanged') and source in (select source from told)
),

moments as materialized (
    select since as moment
    union
    select valid_from from told
    union
    select moment from days
    union
    select checked_at + patience from told cross join rules
    union
    select lapsed_at from heard where has_lapsed
    union
    select looked_at from heard where is_back
),

dense as (
    select moment, lead(moment) over (order by moment) as next_moment
    from moments
    where moment between since and until
),

steps as materialized (
    select
        moment,
        row_number() over in_time as step,
        lag(moment) over in_time as last_moment,
        lead(moment) over in_time as next_moment
    from dense
    where coalesce(next_moment - moment > interval 10 minute, true)
    window in_time as (order by moment)
),

winners as materialized (
    select
        s.step,
        s.moment,
        s.next_moment,
        w.*,
        row(
            w.question,
            w.constraint_set,
            w.provider,
            w.model,
            w.tuning_method,
            w.adapter,
            w.service_tier,
            w.region,
            w.context_tier
        ) as winner
    from steps as s,
        lateral (select * exclude (sources) from cheapest_options_as_of(s.moment) where rank = 1) as w
),

runs as (
    select *, step - row_number() over (partition by winner order by step) as run
    from winners
),

won as (
    select
        question,
        constraint_set,
        provider,
        model,
        any_value(base_model) as base_model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier,
        arg_max(expanded_from, step) as expanded_from,
        min(moment) as won_from,
        arg_max_null(next_moment, step) as won_to,
        arg_min(value_usd, step) as first_usd,
        arg_max(value_usd, step) as last_usd,
        row_number() over () as number
    from runs
    group by
        question,
        constraint_set,
        provider,
        model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier,
        run
),

-- whoever won no more, and whoever won since then
parties as (
    select l.number, s.last_moment, l.won_to, true as is_own, l.* exclude (number, won_to)
    from won as l
    join steps as s on l.won_to = s.moment
    union all by name
    select l.number, s.last_moment, l.won_to, false as is_own, w.* exclude (number, won_to)
    from won as l
    join steps as s on l.won_to = s.moment
    join won as w
        on l.question = w.question
        and l.constraint_set = w.constraint_set
        and l.won_to = w.won_from
),

news as (
    select p.*, o.canonical_model
    from price_changes as p
    join offer_models as o on p.provider = o.provider and p.model = o.model
    where p.cause <> 'correction' and p.remark is distinct from 'revoked'
    union all by name
    select * replace (moment as valid_from), 'lifecycle' as cause, value as new_value from days
    union all by name
    -- what a source says at its first look was so before anybody looked, and is no change
    select
        t.*,
        'first_seen' as cause,
        coalesce(
            t.value,
            rtrim(rtrim(t.list_unit_price::varchar, '0'), '.') || ' per ' || t.pricing_unit
        ) as new_value
    from told as t
    where t.is_listed
        and t.valid_from <= (select min(h.looked_at) from heard as h where h.source = t.source)
),

reasons as (
    select
        r.number,
        r.is_own,
        r.provider || ' ' || coalesce(r.expanded_from, r.model) as ended_by,
        n.*
    from parties as r
    join offer_models as o on r.provider = o.provider and r.model = o.model
    join news as n
        on r.provider = n.provider
        and n.valid_from > r.last_moment
        and n.valid_from <= r.won_to
        and (n.canonical_model in (o.canonical_model, '*') or n.model = r.expanded_from)
        and case
            -- a tuned model ends with the one that it is tuned from
            when n.term in ('shutdown_on', 'last_training_on')
                then r.constraint_set <> 'listed'
                and try_cast(n.new_value as date) <= r.won_to::date
            when n.term is null then
                n.tuning_method in (r.tuning_method, 'unknown')
                and n.service_tier = r.service_tier
                and (n.adapter in (r.adapter, 'unknown') or r.adapter = 'unknown')
                and case
                    when r.question = 'tuned_inference'
                        then n.meter in ('input_tokens', 'output_tokens')
                    when r.question in ('training', 'paid_training')
                        then n.meter = 'training_tokens'
                    -- a whole workload costs by every meter
                    else true
                end
        end
)

select
    w.* exclude (number),
    r.ended_by,
    r.cause,
    r.meter,
    r.term,
    coalesce(r.old_value, r.old_availability) as old_value,
    coalesce(r.new_value, r.new_availability) as new_value,
    r.source,
    r.change_id,
    r.known_at
from won as w
left join reasons as r on w.number = r.number
qualify row_number() over (
    partition by w.number
    order by
        r.cause = 'first_seen',
        -- a first word on its own price seldom ends it, one on a cheaper offer does
        r.is_own = (r.cause <> 'first_seen' or r.term is not null) desc,
        r.change_id nulls last,
        r.source,
        r.ended_by,
        r.meter
) = 1
order by
    question,
    constraint_set,
    won_from,
    provider,
    model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier
