-- one row is one change of one fact as its source stated it, with its cause
--
-- What a source says at its first look was there before anybody looked: it is no change, unless
-- the source dates it itself. A gap in the looks is none either: only two readings make one.
with sequence as (
    select
        *,
        lag(is_listed) over steps as was_listed,
        lag(availability) over steps as old_availability,
        lag(unit_price) over steps as old_unit_price,
        lag(list_unit_price) over steps as old_list_unit_price,
        lag(pricing_unit) over steps as old_pricing_unit,
        lag(pricing_currency) over steps as old_pricing_currency,
        lag(value) over steps as old_value,
        row_number() over steps = 1 as is_first,
        coalesce(
            bool_or(availability in ('priced', 'free')) over (
                partition by source, key order by valid_from
                rows between unbounded preceding and 1 preceding
            ),
            false
        ) as was_ever_sold
    from fact_intervals(timestamp 'infinity')
    window steps as (partition by source, key order by valid_from)
),

seen as (
    select s.*, l.looked_at as last_seen_before_at
    from sequence as s
    asof left join (
        select source, looked_at from looks where outcome in ('read', 'unchanged')
    ) as l
        on s.source = l.source and s.valid_from > l.looked_at
    where not s.is_first or l.looked_at is not null
),

judged as (
    select
        *,
        availability in ('priced', 'free') as is_sold,
        coalesce(old_availability in ('priced', 'free'), false) as was_sold,
        case
            when term in ('closed_to_new_customers_on', 'last_training_on', 'shutdown_on')
                then 'lifecycle'
            when term is not null then 'term_change'
            when valid_from > known_at then 'announced'
            when is_sold and not was_sold and was_ever_sold then 'relisted'
            when is_sold and not was_sold then 'listed'
            when was_sold and not coalesce(is_sold, false) then 'withdrawn'
            when not coalesce(is_sold, false) and is_first then 'listed'
            when not coalesce(is_sold, false) then 'lifecycle'
            when availability = 'free' and old_availability = 'priced' then 'became_free'
            when availability = 'priced' and old_availability = 'free' then 'no_longer_free'
            when unit_price = old_unit_price
                and pricing_currency is not distinct from old_pricing_currency
                then 'unit_restated'
            else 'price_change'
        end as cause
    from seen
)

select
    provider,
    model,
    base_model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier,
    md5(concat_ws('|', source, key, valid_from, cause)) as change_id,
    cause,
    meter,
    price_list,
    term,
    source,
    old_availability,
    availability as new_availability,
    old_unit_price,
    unit_price as new_unit_price,
    coalesce(pricing_currency, old_pricing_currency) as pricing_currency,
    coalesce(
        old_value,
        rtrim(rtrim(old_list_unit_price::varchar, '0'), '.') || ' per ' || old_pricing_unit
    ) as old_value,
    coalesce(
        value, rtrim(rtrim(list_unit_price::varchar, '0'), '.') || ' per ' || pricing_unit
    ) as new_value,
    if(
        cause = 'price_change' and pricing_currency is not distinct from old_pricing_currency,
        round(100 * (unit_price::double / nullif(old_unit_price::double, 0) - 1), 2),
        null
    ) as change_pct,
    valid_from,
    last_seen_before_at,
    known_at,
    capture_sha256,
    locator,
    printed_text,
    url,
    remark
from judged
order by valid_from desc, provider, model, meter, term
