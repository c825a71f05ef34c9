-- one row is two sources that state different values for one fact, and the decision if one was taken
--
-- The first of the two is the one that the ranking picks. Silence is no statement: a price that
-- is not published, or could not be read, contradicts none. Nor does one in another currency.
with stated as (
    select
        * exclude (doubt, url, remark),
        null::varchar as term,
        fact_key(
            provider, canonical_model, tuning_method, adapter, service_tier, region, context_tier,
            meter, null, price_list
        ) as fact,
        price_in_words(availability, unit_price, pricing_currency) as says
    from current_prices
    union all by name
    select
        * exclude (url, remark),
        is_chosen as is_preferred,
        'priced' as availability,
        fact_key(
            provider, canonical_model, tuning_method, adapter, service_tier, region, context_tier,
            null, term, null
        ) as fact,
        value as says
    from current_terms
),

placed as (
    select
        *,
        list(source || ': ' || says) over (
            partition by fact order by source, model
            rows between unbounded preceding and unbounded following
        ) as inputs,
        row_number() over (
            partition by fact
            order by
                is_preferred desc,
                is_trusted desc,
                if(is_trusted, source_rank, null),
                confirmed_at::date desc nulls last,
                source,
                length(model),
                model
        ) as place
    from stated
),

decided as (
    select
        fact_key(
            provider, canonical_model, tuning_method, adapter, service_tier, region, context_tier,
            meter, term, price_list
        ) as fact,
        inputs,
        source || ': ' || reason as decision,
        known_at as decided_at
    from choices
    qualify row_number() over (partition by fact, inputs order by position desc) = 1
)

select
    a.provider,
    a.model,
    a.base_model,
    a.tuning_method,
    a.adapter,
    a.service_tier,
    a.region,
    a.context_tier,
    a.meter,
    a.price_list,
    a.term,
    a.source as source_a,
    a.says as value_a,
    a.confirmed_at as confirmed_a_at,
    b.source as source_b,
    b.says as value_b,
    b.confirmed_at as confirmed_b_at,
    greatest(a.valid_from, b.valid_from) as since_at,
    round(100 * (b.unit_price::double / nullif(a.unit_price::double, 0) - 1), 2) as difference_pct,
    d.decision,
    d.decided_at,
    a.canonical_model,
    a.inputs
from placed as a
join placed as b
    on a.fact = b.fact
    and a.source <> b.source
    and a.says <> b.says
left join decided as d on a.fact = d.fact and a.inputs = d.inputs
where a.place = 1
    and a.availability in ('priced', 'free', 'not_offered')
    and b.availability in ('priced', 'free', 'not_offered')
    and (
        a.pricing_currency is not distinct from b.pricing_currency
        or a.availability <> b.availability
    )
    and coalesce(abs(difference_pct) > (select tolerance_pct from build_info), true)
order by
    a.provider,
    a.model,
    a.tuning_method,
    a.adapter,
    a.service_tier,
    a.region,
    a.context_tier,
    a.meter,
    a.price_list,
    a.term,
    b.place
