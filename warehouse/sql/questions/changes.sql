-- one row is a change, the newest first
select
    valid_from as since,
    cause,
    provider,
    model,
    concat_ws(
        ' ',
        tuning_method,
        nullif(adapter, 'unknown'),
        nullif(service_tier, 'standard'),
        region,
        context_tier
    ) as method,
    coalesce(meter, term) as what,
    coalesce(old_value, old_availability) as old,
    coalesce(new_value, new_availability) as new,
    pricing_currency as currency,
    change_pct,
    last_seen_before_at as last_seen_before,
    source
from price_changes
where ($since::varchar is null or valid_from >= $since::varchar::timestamp)
    and ($provider::varchar is null or provider = $provider)
    and ($base_models or tuning_method <> 'none')
order by valid_from desc, provider, model, method, what
limit $limit
