-- one row is a price that one source stated and the interval that it held, to our latest knowledge
select
    i.provider,
    i.model,
    i.base_model,
    i.tuning_method,
    i.adapter,
    i.service_tier,
    i.region,
    i.context_tier,
    i.meter,
    i.price_list,
    i.availability,
    i.list_unit_price,
    i.pricing_unit,
    i.pricing_currency,
    i.unit_price,
    if(
        i.availability = 'free',
        0,
        round(i.unit_price::decimal(26, 10) * r.usd_per_unit, 8)
    )::decimal(20, 8) as unit_price_usd,
    -- a dollar price needs no rate
    if(r.currency = 'USD', null, r.rate_on) as usd_rate_on,
    i.source,
    i.valid_from,
    i.valid_to,
    i.known_at,
    coalesce(i.checked_at, l.looked_at, i.valid_from) as confirmed_at,
    coalesce(c.is_stale, false) as is_stale,
    coalesce(c.is_preferred, false) as is_preferred,
    i.capture_sha256,
    i.locator,
    i.printed_text,
    i.url,
    i.remark,
    i.parser_version
from fact_intervals(timestamp 'infinity') as i
asof left join (
    select source, looked_at from looks where outcome in ('read', 'unchanged')
) as l
    on i.source = l.source and coalesce(i.valid_to, timestamp '9999-12-31') > l.looked_at
asof left join exchange_rates as r
    on i.pricing_currency = r.currency and i.valid_from::date >= r.rate_on
left join current_prices as c
    on i.source = c.source
    and i.valid_from = c.valid_from
    and i.provider = c.provider
    and i.model = c.model
    and i.tuning_method = c.tuning_method
    and i.adapter is not distinct from c.adapter
    and i.service_tier = c.service_tier
    and i.region is not distinct from c.region
    and i.context_tier is not distinct from c.context_tier
    and i.meter = c.meter
    and i.price_list is not distinct from c.price_list
where i.is_listed and i.meter is not null
order by i.provider, i.model, i.meter, i.source, i.valid_from
