-- one row is one offer of the cost comparison
select
    provider,
    model,
    base_model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier,
    training_usd,
    training_hour_usd,
    input_usd,
    cached_input_usd,
    output_usd,
    hosting_hour_usd,
    storage_month_usd,
    job_minimum_usd,
    base_input_usd,
    base_output_usd,
    training_availability,
    min_examples,
    hosting,
    weights_exportable,
    closed_to_new_customers_on,
    last_training_on,
    shutdown_on,
    is_available,
    pricing_currency,
    oldest_confirmed_at,
    sources,
    expanded_from
from cost_comparison
where ($provider::varchar is null or provider = $provider)
    and (model ilike $model or base_model ilike $model)
order by provider, model, tuning_method, adapter, service_tier, region, context_tier
