-- prompting_lines_as_of(as_of): one row is one line of the bill for prompting a base model at one seller: how much of what at which price, and where the price stands
with lines as (
    select
        provider,
        model,
        workload,
        unnest([
            {
                item: 'prompt tokens', figure: 'input_tokens', quantity: fresh_before,
                unit_price_usd: input_usd
            },
            {
                item: 'prompt tokens from the cache',
                figure: case when cached_input_usd is null then 'input_tokens' else 'cached_input_tokens' end,
                quantity: cached_before, unit_price_usd: coalesce(cached_input_usd, input_usd)
            },
            {
                item: 'completion tokens', figure: 'output_tokens', quantity: completions,
                unit_price_usd: output_usd
            },
            {
                item: 'prompt tokens in batches',
                figure: case when batch_input_usd is null then '' else 'batch_' end || 'input_tokens',
                quantity: batch_fresh_before, unit_price_usd: coalesce(batch_input_usd, input_usd)
            },
            {
                item: 'prompt tokens from the cache in batches',
                figure: case
                    when batch_cached_input_usd is not null then 'batch_cached_input_tokens'
                    when batch_input_usd is not null then 'batch_input_tokens'
                    when cached_input_usd is not null then 'cached_input_tokens'
                    else 'input_tokens'
                end,
                quantity: batch_cached_before,
                unit_price_usd: coalesce(
                    batch_cached_input_usd, batch_input_usd, cached_input_usd, input_usd
                )
            },
            {
                item: 'completion tokens in batches',
                figure: case when batch_output_usd is null then '' else 'batch_' end || 'output_tokens',
                quantity: batch_completions, unit_price_usd: coalesce(batch_output_usd, output_usd)
            }
        ], max_depth := 2)
    from prompting_bills_as_of(as_of)
)

select
    l.provider,
    l.model,
    l.workload,
    'prompting' as bill,
    l.item,
    l.quantity,
    '1M tokens' as unit,
    l.unit_price_usd,
    round(l.quantity * l.unit_price_usd, 8)::decimal(20, 8) as amount_usd,
    f.model as priced_model,
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
    f.capture_sha256
from lines as l
left join prompting_facts_as_of(as_of) as f
    on l.provider = f.provider and l.model = f.canonical_model and l.figure = f.figure
where l.quantity > 0
