-- one row is a change that a rule of the user's fires on
--
-- What a price must have moved by counts from where it stood at the last alert: a fold over the
-- prices of a fact, one for all the rules that measure alike, and so linear in the number of
-- prices. For a single direction it counts from the dearest, or the cheapest, since then.
--
-- A rule that has changes confirmed counts each from when the next look at its source agrees. What
-- the next look takes back never was, and neither was the way back.
with told as (
    select
        *,
        hash(
            source, provider, model, tuning_method, adapter, service_tier, region, context_tier,
            meter, price_list, term
        ) as fact,
        case when new_availability = 'free' then 0 else new_unit_price end::double as price,
        case when old_availability = 'free' then 0 else old_unit_price end::double as old_price,
        meter is null and term is null as is_rename
    from news($is_replay)
    where cause not in ('correction', 'unit_restated')
),

-- a rename is of the model, however it is tuned
renamed as (
    select provider, model, list(distinct tuning_method) as methods
    from price_history
    where (provider, model) in (select (provider, model) from told where is_rename)
    group by provider, model
),

second_looks as (
    select t.source, t.told_at, l.looked_at, l.known_at
    from (select distinct source, told_at from told) as t
    asof join (
        select source, looked_at, known_at from looks where outcome in ('read', 'unchanged')
    ) as l
        on t.source = l.source and t.told_at < l.looked_at
),

judged as materialized (
    select
        t.*,
        row_number() over () as number,
        t.cause in ('price_change', 'became_free', 'no_longer_free', 'announced') as is_move,
        case when t.is_rename then n.methods else [t.tuning_method] end as methods,
        l.looked_at as second_at,
        case
            when $is_replay then l.looked_at
            when l.known_at is not null then greatest(l.known_at, t.fires_at)
        end as confirmed_at
    from told as t
    left join renamed as n on t.provider = n.provider and t.model = n.model
    left join second_looks as l on t.source = l.source and t.told_at = l.told_at
),

rules as materialized (
    select
        *,
        coalesce(since::timestamp, timestamp '-infinity') as watches_from,
        direction <> 'any' or percent is not null or amount is not null as is_measured,
        -- rules that measure alike share one fold
        hash(watches_from, causes, direction, percent, amount, confirm) as measure
    from alert_rules
),

named as materialized (
    select distinct
        j.provider,
        j.model,
        case when j.is_rename then lower(j.old_value) else lower(o.canonical_model) end as also
    from judged as j
    join offer_models as o on j.provider = o.provider and j.model = o.model
),

sellers as (
    select distinct provider from named
),

-- a term of all the seller's models is one of those, too
meant as materialized (
    select distinct r.rule, n.provider, n.model
    from rules as r
    join sellers as s on coalesce(list_contains(r.providers, s.provider), true)
    join named as n on s.provider = n.provider
    where r.models is null
        or n.model = '*'
        or len(list_filter(r.models, lambda name: lower(n.model) glob name or n.also glob name)) > 0
),

-- what nothing is asked about of late cannot fire
facts_of as (
    select distinct
        fact, source, provider, model, methods, service_tier, meter, term, is_rename
    from judged
    where is_news and coalesce(confirmed_at, fires_at) >= $since::timestamp
),

watched as materialized (
    select r.rule, r.measure, r.is_measured, r.confirm, f.fact, f.term, f.model, f.is_rename
    from meant as m
    join rules as r using (rule)
    join facts_of as f on m.provider = f.provider and m.model = f.model
    where coalesce(list_contains(r.sources, f.source), true)
        and coalesce(list_has_any(r.methods, f.methods), true)
        and (f.is_rename or coalesce(list_contains(r.tiers, f.service_tier), true))
        and (
            r.meters is null and r.terms is null
            or list_contains(r.meters, f.meter)
            or list_contains(r.terms, f.term)
        )
        and (not r.is_measured or f.meter is not null)
),

followed as (
    select
        *,
        -- what is announced stands beside what holds until then
        cause <> 'announced'
        and coalesce(
            min(told_at) over (
                partition by fact, cause = 'announced' order by told_at
                range between interval 1 microsecond following and unbounded following
            ) <= second_at,
            false
        ) as is_undone
    from judged
    where fact in (select fact from watched where confirm)
),

runs as (
    select
        *,
        coalesce(lag(is_undone) over steps, false) as is_after_undone,
        is_undone and not is_after_undone as begins_run
    from followed
    window steps as (
        partition by fact, cause = 'announced' order by told_at, valid_from, change_id
    )
),

-- from where a change leads that comes after others that were taken back
seconded as materialized (
    select
        number,
        case
            when is_after_undone
                then last_value(case when begins_run then old_price end ignore nulls) over steps
            else old_price
        end as old_price,
        is_undone
        or is_after_undone
        and row(
            new_availability,
            new_unit_price,
            case when new_unit_price is not null then pricing_currency end,
            case when meter is null then new_value end
        ) is not distinct from last_value(
            case
                when begins_run then row(
                    old_availability,
                    old_unit_price,
                    old_pricing_currency,
                    case when meter is null then old_value end
                )
            end
            ignore nulls
        ) over steps as is_refuted
    from runs
    window steps as (
        partition by fact, cause = 'announced' order by told_at, valid_from, change_id
        rows unbounded preceding
    )
),

steps as (
    select
        w.measure,
        w.fact,
        any_value(w.direction) as direction,
        any_value(w.percent) as percent,
        any_value(w.amount)::double as amount,
        list(
            {
                number: j.number,
                price: j.price,
                old_price: case when w.confirm then s.old_price else j.old_price end,
                -- in another currency, or from nothing, there is no measure
                is_comparable: j.is_move
                    and j.old_price is not null
                    and (j.change_pct is not null or j.cause <> 'price_change'),
                can_fire: j.is_news and list_contains(w.causes, j.cause),
                is_asked: case when w.confirm then coalesce(j.confirmed_at, j.fires_at) else j.fires_at end
                    >= $since::timestamp
            }
            order by j.told_at, j.valid_from, j.change_id
        ) as prices
    from (
        select distinct
            w.measure,
            w.fact,
            r.direction,
            r.percent,
            r.amount,
            r.causes,
            r.watches_from,
            r.confirm
        from watched as w
        join rules as r using (rule)
        where w.is_measured
    ) as w
    join judged as j on w.fact = j.fact and j.fires_at >= w.watches_from
    left join seconded as s on w.confirm and j.number = s.number
    where j.price is not null
        and not (w.confirm and s.is_refuted)
        and j.remark is distinct from 'revoked'
    group by w.measure, w.fact
),

folded as (
    select
        measure,
        unnest(list_reduce(
            prices,
            lambda so_far, step: case
                when not step.is_comparable
                    then {reference: step.price, hits: so_far.hits}
                when step.can_fire
                    and case direction
                        when 'up' then step.price > so_far.reference
                        when 'down' then step.price < so_far.reference
                        else step.price <> so_far.reference
                    end
                    and (
                        percent is null and amount is null
                        or percent is not null
                        and coalesce(
                            round(abs(100 * (step.price / nullif(so_far.reference, 0) - 1)), 6)
                            >= percent,
                            true
                        )
                        or coalesce(round(abs(step.price - so_far.reference), 12) >= amount, false)
                    )
                    then {
                        reference: step.price,
                        hits: case
                            when step.is_asked
                                then list_append(
                                    so_far.hits,
                                    {number: step.number, reference: so_far.reference}
                                )
                            else so_far.hits
                        end
                    }
                else {
                    reference: case direction
                        when 'up' then least(so_far.reference, step.price)
                        when 'down' then greatest(so_far.reference, step.price)
                        else so_far.reference
                    end,
                    hits: so_far.hits
                }
            end,
            {
                reference: coalesce(prices[1].old_price, prices[1].price),
                hits: []::struct(number bigint, reference double)[]
            }
        ).hits, recursive := true)
    from steps
),

hits as (
    select w.rule, w.confirm, f.number, f.reference
    from folded as f
    join judged as j using (number)
    join watched as w on f.measure = w.measure and j.fact = w.fact and w.is_measured
    union all
    select w.rule, w.confirm, j.number, null
    from watched as w
    join rules as r using (rule)
    join judged as j using (fact)
    left join seconded as s on w.confirm and j.number = s.number
    where j.is_news
        and (
            not w.is_measured
            -- what was announced and is taken back moves from what was announced
            or j.remark = 'revoked'
            and case r.direction
                when 'up' then j.price > j.old_price
                when 'down' then j.price < j.old_price
                else true
            end
            and (
                r.percent is null and r.amount is null
                or coalesce(abs(j.change_pct) >= r.percent, false)
                or coalesce(abs(j.new_unit_price - j.old_unit_price) >= r.amount, false)
            )
        )
        and list_contains(r.causes, j.cause)
        and j.fires_at >= r.watches_from
        and case when w.confirm then coalesce(j.confirmed_at, j.fires_at) else j.fires_at end
            >= $since::timestamp
        and not (w.confirm and s.is_refuted)
),

events as (
    select
        * exclude (fires_at),
        case when h.confirm then coalesce(j.confirmed_at, j.fires_at) else j.fires_at end as fires_at,
        h.confirm and j.confirmed_at is null as is_pending,
        concat_ws(
            ' ',
            j.provider,
            case
                when j.is_rename then j.old_value
                when j.model = '*' then 'every model'
                else j.model
            end,
            nullif(nullif(j.tuning_method, 'none'), 'unknown'),
            nullif(j.adapter, 'unknown'),
            nullif(j.service_tier, 'standard'),
            j.region,
            j.context_tier,
            j.price_list,
            coalesce(j.meter, j.term)
        ) as subject,
        coalesce(j.old_value, j.old_availability) as old,
        coalesce(j.new_value, j.new_availability) as new,
        round(100 * (j.price / nullif(h.reference, 0) - 1), 2) as since_alert_pct
    from hits as h
    join judged as j using (number)
)

select
    md5(concat_ws('|', 'changes', rule, change_id)) as event_id,
    'changes' as kind,
    rule,
    false as is_first_load,
    is_pending,
    provider,
    subject,
    cause,
    old,
    new,
    change_pct,
    valid_from as began_at,
    fires_at,
    source,
    url,
    capture_sha256,
    model,
    canonical_model,
    meter,
    term,
    pricing_currency,
    printed_text,
    last_seen_before_at,
    to_json({
        tuning_method: tuning_method,
        adapter: adapter,
        service_tier: service_tier,
        region: region,
        context_tier: context_tier,
        price_list: price_list,
        remark: remark,
        old_pricing_currency: old_pricing_currency,
        is_ahead: valid_from > told_at,
        old_availability: old_availability,
        new_availability: new_availability,
        reference: case when reference is distinct from old_price then reference end,
        since_alert_pct: case when reference is distinct from old_price then since_alert_pct end
    })::varchar as details
from events
join offer_models as o using (provider, model)
order by fires_at, event_id
