-- one row is one change of one fact as its source stated it, with its cause
--
-- What a source says at its first look was there before anybody looked: it is no change, unless
-- the source dates it itself. A gap in the looks is none either: only two readings make one. What
-- an old capture is read as today, and was not when it came, is a correction. A model that is
-- called otherwise from one look to the next is one row of the lifecycle, with both names. A price
-- that was announced, and is taken back or announced otherwise before it holds, is a row of its own.
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
    select
        d.source,
        l.looked_at,
        d.provider,
        d.model,
        d.other,
        greatest(l.known_at, a.accepted_at) as known_at,
        d.capture_sha256,
        l.url
    from doubts as d
    join looks as l using (position)
    -- what was held back was not known before somebody accepted it
    left join (
        select source, capture_sha256, max(known_at) as accepted_at
        from decisions
        where verdict = 'accepted'
            and fingerprint in (select fingerprint from doubts where severity = 'hold')
        group by source, capture_sha256
    ) as a
        on d.source = a.source and d.capture_sha256 = a.capture_sha256
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
        old_pricing_currency,
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
        c.old_pricing_currency,
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

-- what was announced, what was said instead while it had not come, and when that became known
taken_back as (
    select
        i.*,
        f.known_at as revoked_at,
        f.availability as new_availability,
        f.unit_price as new_unit_price,
        f.pricing_currency as new_pricing_currency,
        f.list_unit_price as new_list_unit_price,
        f.pricing_unit as new_pricing_unit,
        f.capture_sha256 as new_capture_sha256,
        f.locator as new_locator,
        f.printed_text as new_printed_text,
        coalesce(f.url, i.url) as new_url
    from intervals as i
    join facts as f
        on i.source = f.source
        and i.key = f.key
        and i.valid_from = f.valid_from
        and i.believed_to = f.known_at
    where i.meter is not null
        and i.is_listed
        and i.believed_to < i.valid_from
        -- neither a new unit nor a new date of checking takes anything back
        and row(i.availability, i.unit_price, i.pricing_currency)
        is distinct from row(f.availability, f.unit_price, f.pricing_currency)
        and not exists (
            from corrections as c
            where c.source = i.source
                and c.key = i.key
                and c.valid_from = i.valid_from
                and c.known_at = i.believed_to
        )
),

revoked as (
    select
        t.provider,
        t.model,
        t.base_model,
        t.tuning_method,
        t.adapter,
        t.service_tier,
        t.region,
        t.context_tier,
        md5(concat_ws('|', t.source, t.key, t.valid_from, 'revoked', t.revoked_at)) as change_id,
        'announced' as cause,
        t.meter,
        t.price_list,
        t.source,
        t.availability as old_availability,
        t.new_availability,
        t.unit_price as old_unit_price,
        t.new_unit_price,
        t.pricing_currency as old_pricing_currency,
        coalesce(t.new_pricing_currency, t.pricing_currency) as pricing_currency,
        rtrim(rtrim(t.list_unit_price::varchar, '0'), '.') || ' per ' || t.pricing_unit as old_value,
        rtrim(rtrim(t.new_list_unit_price::varchar, '0'), '.') || ' per ' || t.new_pricing_unit
            as new_value,
        case
            when t.pricing_currency = t.new_pricing_currency
                then round(
                    100 * (t.new_unit_price::double / nullif(t.unit_price::double, 0) - 1), 2
                )
        end as change_pct,
        t.valid_from,
        l.looked_at as last_seen_before_at,
        t.revoked_at as known_at,
        t.new_capture_sha256 as capture_sha256,
        t.new_locator as locator,
        t.new_printed_text as printed_text,
        t.new_url as url,
        'revoked' as remark
    from taken_back as t
    asof left join (
        select source, looked_at, known_at from looks where outcome in ('read', 'unchanged')
    ) as l
        on t.source = l.source and t.revoked_at > l.known_at
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
from revoked
union all by name
from called_otherwise
order by valid_from desc, provider, model, meter, term, source, change_id
