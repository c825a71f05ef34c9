-- prompting_bills_as_of(as_of): one row is what a month of one workload costs when a base model at one seller is prompted instead
with prices as (
    select
        provider,
        canonical_model as model,
        any_value(unit_price_usd) filter (figure = 'input_tokens') as input_usd,
        any_value(unit_price_usd) filter (figure = 'cached_input_tokens') as cached_input_usd,
        any_value(unit_price_usd) filter (figure = 'output_tokens') as output_usd,
        any_value(unit_price_usd) filter (figure = 'batch_input_tokens') as batch_input_usd,
        any_value(unit_price_usd) filter (figure = 'batch_cached_input_tokens')
            as batch_cached_input_usd,
        any_value(unit_price_usd) filter (figure = 'batch_output_tokens') as batch_output_usd,
        bool_and(availability = 'free') as is_free
    from prompting_facts_as_of(as_of)
    group by provider, canonical_model
)

select
    p.*,
    w.workload,
    w.fresh_before,
    w.cached_before,
    w.completions,
    w.batch_fresh_before,
    w.batch_cached_before,
    w.batch_completions,
    -- what has no price in batches is not sold in batches
    round(
        w.fresh_before * p.input_usd
        + w.cached_before * coalesce(p.cached_input_usd, p.input_usd)
        + w.completions * p.output_usd
        + w.batch_fresh_before * coalesce(p.batch_input_usd, p.input_usd)
        + w.batch_cached_before
        * coalesce(p.batch_cached_input_usd, p.batch_input_usd, p.cached_input_usd, p.input_usd)
        + w.batch_completions * coalesce(p.batch_output_usd, p.output_usd),
        8
    )::decimal(20, 8) as monthly_usd
from prices as p
cross join monthly_tokens() as w
where p.input_usd is not null and p.output_usd is not null
