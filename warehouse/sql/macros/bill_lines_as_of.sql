-- bill_lines_as_of(as_of): one row is one line of a tuned offer's bill for one workload: how much of what at which price, and where the price stands
with lines as (
    select
        provider,
        model,
        base_model,
        canonical_model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier,
        workload,
        tuned_inference_rule,
        unnest([
            {
                bill: 'training', item: 'training tokens', figure: 'training_tokens', tier: service_tier,
                quantity: case when not is_trained_by_the_hour then billed_tokens * 0.000001 end,
                unit: '1M tokens', unit_price_usd: training_usd
            },
            {
                bill: 'training', item: 'hours of training', figure: 'training_hours', tier: service_tier,
                quantity: case when is_trained_by_the_hour then training_hours end,
                unit: 'hour', unit_price_usd: training_hour_usd
            },
            {
                bill: 'training', item: 'the rest of the minimum charge', figure: 'job_minimum', tier: service_tier,
                quantity: 1, unit: 'job',
                unit_price_usd: nullif(greatest(job_minimum_usd - training_fee_usd, 0), 0)
            },
            {
                bill: 'month', item: 'prompt tokens', figure: 'input_tokens', tier: service_tier,
                quantity: fresh_after, unit: '1M tokens', unit_price_usd: input_usd
            },
            {
                bill: 'month', item: 'prompt tokens from the cache',
                figure: case when cached_input_usd is null then 'input_tokens' else 'cached_input_tokens' end,
                tier: service_tier, quantity: cached_after, unit: '1M tokens',
                unit_price_usd: coalesce(cached_input_usd, input_usd)
            },
            {
                bill: 'month', item: 'completion tokens', figure: 'output_tokens', tier: service_tier,
                quantity: completions, unit: '1M tokens', unit_price_usd: output_usd
            },
            {
                bill: 'month', item: 'prompt tokens in batches', figure: 'input_tokens',
                tier: case when batch_input_usd is null then service_tier else 'batch' end,
                quantity: batch_fresh_after, unit: '1M tokens',
                unit_price_usd: coalesce(batch_input_usd, input_usd)
            },
            {
                bill: 'month', item: 'prompt tokens from the cache in batches',
                figure: case
                    when batch_cached_input_usd is not null then 'cached_input_tokens'
                    when batch_input_usd is null and cached_input_usd is not null then 'cached_input_tokens'
                    else 'input_tokens'
                end,
                tier: case
                    when batch_cached_input_usd is null and batch_input_usd is null then service_tier
                    else 'batch'
                end,
                quantity: batch_cached_after, unit: '1M tokens',
                unit_price_usd: coalesce(
                    batch_cached_input_usd, batch_input_usd, cached_input_usd, input_usd
                )
            },
            {
                bill: 'month', item: 'completion tokens in batches', figure: 'output_tokens',
                tier: case when batch_output_usd is null then service_tier else 'batch' end,
                quantity: batch_completions, unit: '1M tokens',
                unit_price_usd: coalesce(batch_output_usd, output_usd)
            },
            {
                bill: 'month', item: 'hours deployed', figure: 'hosting_hours', tier: service_tier,
                quantity: hosting_hours, unit: 'hour', unit_price_usd: hosting_hour_usd
            },
            {
                bill: 'month', item: 'storage', figure: 'storage_months', tier: service_tier,
                quantity: 1, unit: 'month', unit_price_usd: storage_month_usd
            },
            {
                bill: 'month', item: 'laid aside for retraining', figure: null, tier: service_tier,
                quantity: 1, unit: 'month',
                unit_price_usd: (upfront_usd / retrain_every_months)::decimal(20, 8)
            }
        ], max_depth := 2)
    from bills_as_of(as_of)
),

priced as (
    select
        * replace (quantity::decimal(20, 6) as quantity),
        round(quantity * unit_price_usd, 8)::decimal(20, 8) as amount_usd
    from lines
    where quantity > 0 and unit_price_usd is not null
)

select
    l.provider,
    l.model,
    l.base_model,
    l.tuning_method,
    l.adapter,
    l.service_tier,
    l.region,
    l.context_tier,
    l.workload,
    l.bill,
    l.item,
    l.quantity,
    l.unit,
    l.unit_price_usd,
    l.amount_usd,
    f.priced_model,
    f.list_unit_price,
    f.pricing_unit,
    f.pricing_currency,
    f.usd_rate_on,
    f.printed_text,
    f.valid_from,
    f.confirmed_at,
    f.source,
    f.url,
    f.locator,
    f.capture_sha256,
    l.canonical_model
from priced as l
left join comparison_facts_as_of(as_of) as f
    on l.provider = f.provider
    and l.canonical_model = f.canonical_model
    and l.tuning_method = f.tuning_method
    and l.adapter = f.adapter
    and l.tier = f.service_tier
    and l.region is not distinct from f.region
    and l.context_tier is not distinct from f.context_tier
    and (
        l.figure = f.figure
        -- where a tuned model runs at its base model's price, that is what is printed
        or (
            l.tuned_inference_rule = 'base_price'
            and f.figure = 'base_' || replace(l.figure, '_tokens', '')
        )
    )
qualify row_number() over (
    partition by
        l.provider,
        l.model,
        l.canonical_model,
        l.tuning_method,
        l.adapter,
        l.service_tier,
        l.region,
        l.context_tier,
        l.workload,
        l.item
    order by l.figure = f.figure desc
) = 1
