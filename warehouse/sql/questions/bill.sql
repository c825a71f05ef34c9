-- one row is one line of the bills behind a break-even: the training job, a month of running the result, and a month of prompting instead
with compared as (
    from break_even_as_of(as_of)
    where provider = $provider
        and comparator = $comparator
        and (model ilike $model or canonical_model ilike $model or expanded_from ilike $model)
),

lines as (
    select
        concat_ws(
            ' ',
            c.model,
            c.tuning_method,
            nullif(c.adapter, 'unknown'),
            nullif(c.service_tier, 'standard'),
            c.region,
            c.context_tier
        ) as offer,
        l.* exclude (
            model,
            base_model,
            canonical_model,
            tuning_method,
            adapter,
            service_tier,
            region,
            context_tier,
            workload
        )
    from compared as c
    join bill_lines_as_of(as_of) as l
        on c.workload = l.workload
        and c.provider = l.provider
        and c.model = l.model
        and c.canonical_model = l.canonical_model
        and c.tuning_method = l.tuning_method
        and c.adapter = l.adapter
        and c.service_tier = l.service_tier
        and c.region is not distinct from l.region
        and c.context_tier is not distinct from l.context_tier
    union all by name
    select distinct
        p.model as offer,
        p.* exclude (model, workload)
    from compared as c
    join prompting_lines_as_of(as_of) as p
        on c.workload = p.workload
        and c.comparator_provider = p.provider
        and c.comparator_model = p.model
)

select
    bill,
    provider,
    offer,
    item,
    quantity,
    unit,
    unit_price_usd,
    round(amount_usd, 4) as amount_usd,
    priced_model,
    list_unit_price,
    pricing_currency,
    pricing_unit,
    usd_rate_on,
    printed_text,
    valid_from,
    confirmed_at,
    source,
    url,
    locator,
    capture_sha256
from lines
order by bill = 'prompting', provider, offer, bill = 'month', item
