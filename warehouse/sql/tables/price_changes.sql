-- one row is one change of one fact as its source stated it, with its cause
--
-- What a source says at its first look was there before anybody looked: it is no change, unless
-- the source dates it itself. A gap in the looks is none either: only two readings make one. What
-- an old capture is read as today, and was not when it came, is a correction. A model that is
-- called otherwise from one look to the next is one row of the lifecycle, with both names.
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

renamed as (
    select d.source, l.looked_at, d.provider, d.model, d.other, l.known_at, d.capture_sha256, l.url
    from doubts as d
    join looks as l using (position)
    where d.rule = 'renamed' and l.outcome = 'read'
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
    from seen as s
    where not exists (
        from renamed as r
        where r.source = s.source
            and r.looked_at = s.valid_from
            and r.provider = s.provider
            and s.model in (r.model, r.other)
            and (s.is_first or not s.is_listed)
    )
),

changed as (
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
),

corrected as (
    select
        f.provider,
        f.model,
        o.base_model,
        f.tuning_method,
        f.adapter,
        f.service_tier,
        f.region,
        f.context_tier,
        md5(concat_ws('|', c.source, c.key, c.valid_from, c.position, c.known_at)) as change_id,
        'correction' as cause,
        f.meter,
        f.price_list,
        f.term,
        f.source,
        c.old_availability,
        f.availability as new_availability,
        c.old_unit_price,
        f.unit_price as new_unit_price,
        coalesce(f.pricing_currency, c.old_pricing_currency) as pricing_currency,
        coalesce(
            c.old_value,
            rtrim(rtrim(c.old_list_unit_price::varchar, '0'), '.') || ' per ' || c.old_pricing_unit
        ) as old_value,
        coalesce(
            f.value,
            rtrim(rtrim(f.list_unit_price::varchar, '0'), '.') || ' per ' || f.pricing_unit
        ) as new_value,
        null::double as change_pct,
        c.valid_from,
        null::timestamp as last_seen_before_at,
        c.known_at,
        f.capture_sha256,
        f.locator,
        f.printed_text,
        coalesce(f.url, s.url) as url,
        f.remark
    from corrections as c
    join facts as f using (source, key, valid_from, position, known_at)
    join sources as s using (source)
    join offer_models as o on f.provider = o.provider and f.model = o.model
),

called_otherwise as (
    select
        r.provider,
        r.model,
        o.base_model,
        'unknown' as tuning_method,
        'unknown' as adapter,
        'standard' as service_tier,
        md5(concat_ws('|', r.source, r.looked_at, r.provider, r.other, r.model)) as change_id,
        'lifecycle' as cause,
        r.source,
        r.other as old_value,
        r.model as new_value,
        r.looked_at as valid_from,
        l.looked_at as last_seen_before_at,
        r.known_at,
        r.capture_sha256,
        coalesce(r.url, s.url) as url,
        'renamed' as remark
    from renamed as r
    asof left join (
        select source, looked_at from looks where outcome in ('read', 'unchanged')
    ) as l
        on r.source = l.source and r.looked_at > l.looked_at
    join sources as s on r.source = s.source
    join offer_models as o on r.provider = o.provider and r.model = o.model
)

from changed
union all by name
from corrected
union all by name
from called_otherwise
order by valid_from desc, provider, model, meter, term, source, change_id
