-- one row is two sources that state different values for one fact
select
    provider,
    model,
    concat_ws(
        ' ',
        tuning_method,
        nullif(adapter, 'unknown'),
        nullif(service_tier, 'standard'),
        region,
        context_tier,
        price_list
    ) as method,
    coalesce(meter, term) as what,
    source_a,
    value_a,
    confirmed_a_at::date as confirmed_a,
    source_b,
    value_b,
    confirmed_b_at::date as confirmed_b,
    difference_pct,
    since_at::date as since,
    decision
from disagreements
where ($provider::varchar is null or provider = $provider)
    and ($base_models or tuning_method <> 'none')
order by provider, model, method, what, source_b
