-- one row is what one source states of one offer's meter, with its evidence; the one that the comparison uses first
with asked as (
    select regexp_replace(lower($model), '[\s_]+', '-', 'g') as name
),

used as (
    select distinct
        provider,
        priced_model as model,
        meter,
        source,
        capture_sha256,
        locator
    from comparison_facts
    where provider = $provider
        and $meter in (meter, figure)
        and (select name from asked) in (
            regexp_replace(lower(model), '[\s_]+', '-', 'g'), base_model, canonical_model
        )
)

select
    c.provider,
    c.model,
    c.meter,
    c.availability,
    c.list_unit_price,
    c.pricing_currency,
    c.pricing_unit,
    c.unit_price,
    c.unit_price_usd,
    c.usd_rate_on,
    u.source is not null as is_in_comparison,
    c.printed_text,
    c.locator,
    c.url,
    c.source,
    c.parser_version,
    c.capture_sha256,
    p.captured_at,
    c.valid_from,
    c.known_at,
    c.confirmed_at,
    c.tuning_method,
    c.adapter,
    c.service_tier,
    c.region,
    c.context_tier,
    c.remark
from current_prices as c
left join captures as p on c.capture_sha256 = p.capture_sha256 and c.source = p.source
left join used as u
    on c.provider = u.provider
    and c.model = u.model
    and c.meter = u.meter
    and c.source = u.source
    and c.capture_sha256 = u.capture_sha256
    and c.locator = u.locator
where c.provider = $provider
    and (
        u.source is not null
        or (
            c.meter = $meter
            and (select name from asked) in (
                regexp_replace(lower(c.model), '[\s_]+', '-', 'g'),
                c.base_model,
                c.canonical_model
            )
        )
    )
order by u.source is null, c.source_rank, c.source, c.service_tier, c.tuning_method, c.adapter, c.context_tier
