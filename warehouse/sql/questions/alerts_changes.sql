-- one row is a change that a rule of the user's fires on
--
-- A change is news where it began after its source was looked at before, or in the 30 days before
-- it was told. It is silent where the first look at its source told it, where a re-read alone
-- found it, and, but in a replay, where we came to know it more than 30 days after it was told.
--
-- What a price must have moved by counts from where it stood at the last alert: a fold over the
-- prices of a fact, one for all the rules that measure alike, and so linear in the number of
-- prices. For a single direction it counts from the dearest, or the cheapest, since then.
with good_looks as materialized (
    select source, looked_at, lag(looked_at) over (partition by source order by looked_at) as before_at
    from looks
    where outcome in ('read', 'unchanged')
),

stated as materialized (
    select
        *,
        hash(
            source, provider, model, tuning_method, adapter, service_tier, region, context_tier,
            meter, price_list, term
        ) as fact
    from price_changes
),

-- a rename is of the model, however it is tuned
renamed as (
    select provider, model, list(distinct tuning_method) as methods
    from price_history
    where (provider, model) in (
        select (provider, model) from stated where meter is null and term is null
    )
    group by provider, model
),

-- what was believed of a capture before it was first read again
rereads as (
    select distinct on (fact, valid_from)
        fact, valid_from, row(old_availability, old_unit_price, old_value) as old_says
    from stated
    where cause = 'correction'
    order by fact, valid_from, known_at
),

told as (
    select
        s.*,
        case when s.new_availability = 'free' then 0 else s.new_unit_price end::double as price,
        case when s.old_availability = 'free' then 0 else s.old_unit_price end::double as old_price,
        -- what a page says holds from the look on, unless the page dates it
        coalesce(l.looked_at, c.captured_at, s.known_at) as told_at,
        -- a better reading of a change that was known is no news
        case when r.fact is null then s.known_at else coalesce(l.known_at, s.known_at) end as first_known_at,
        case when $is_replay then told_at else first_known_at end as fires_at,
        s.meter is null and s.term is null as is_rename,
        case when is_rename then n.methods else [s.tuning_method] end as methods
    from stated as s
    left join looks as l
        on s.source = l.source
        and s.capture_sha256 = l.capture_sha256
        and s.valid_from = l.looked_at
    left join captures as c on s.source = c.source and s.capture_sha256 = c.capture_sha256
    left join renamed as n on s.provider = n.provider and s.model = n.model
    left join rereads as r on s.fact = r.fact and s.valid_from = r.valid_from
    where s.cause not in ('correction', 'unit_restated')
        -- that nothing had changed is what was believed before it was read again
        and r.old_says is distinct from row(s.old_availability, s.old_unit_price, s.old_value)
),

judged as materialized (
    select
        t.*,
        row_number() over () as number,
        t.cause in ('price_change', 'became_free', 'no_longer_free', 'announced') as is_move,
        -- without a look before, it was the first
        g.before_at is not null
        and t.valid_from >= least(g.before_at, t.told_at - interval 30 day)
        and ($is_replay or t.first_known_at <= t.told_at + interval 30 day) as is_news
    from told as t
    asof left join good_looks as g on t.source = g.source and t.told_at >= g.looked_at
),

rules as materialized (
    select
        *,
        coalesce(since::timestamp, timestamp '-infinity') as watches_from,
        direction <> 'any' or percent is not null or amount is not null as is_measured,
        -- rules that measure alike share one fold
        hash(watches_from, causes, direction, percent, amount) as measure
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
    where is_news and fires_at >= $since::timestamp
),

watched as materialized (
    select r.rule, r.measure, r.is_measured, f.fact, f.term, f.model, f.is_rename
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
                old_price: j.old_price,
                -- in another currency, or from nothing, there is no measure
                is_comparable: j.is_move
                    and j.old_price is not null
                    and (j.change_pct is not null or j.cause <> 'price_change'),
                can_fire: j.is_news and list_contains(w.causes, j.cause),
                is_asked: j.fires_at >= $since::timestamp
            }
            order by j.told_at, j.valid_from, j.change_id
        ) as prices
    from (
        select distinct
            w.measure, w.fact, r.direction, r.percent, r.amount, r.causes, r.watches_from
        from watched as w
        join rules as r using (rule)
        where w.is_measured
    ) as w
    join judged as j on w.fact = j.fact and j.fires_at >= w.watches_from
    where j.price is not null
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
    select w.rule, f.number, f.reference
    from folded as f
    join judged as j using (number)
    join watched as w on f.measure = w.measure and j.fact = w.fact and w.is_measured
    union all
    select w.rule, j.number, null
    from watched as w
    join rules as r using (rule)
    join judged as j using (fact)
    where not w.is_measured
        and j.is_news
        and list_contains(r.causes, j.cause)
        and j.fires_at >= greatest(r.watches_from, $since::timestamp)
),

events as (
    select
        *,
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
        is_rename: is_rename,
        is_ahead: valid_from > told_at,
        old_availability: old_availability,
        new_availability: new_availability,
        reference: case when reference is distinct from old_price then reference end,
        since_alert_pct: case when reference is distinct from old_price then since_alert_pct end
    })::varchar as details
from events
join offer_models as o using (provider, model)
order by fires_at, event_id
