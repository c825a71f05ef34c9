-- one row is one offer of the cost comparison
select *
from cost_comparison
where ($provider::varchar is null or provider = $provider)
    and (model ilike $model or base_model ilike $model)
order by provider, model, tuning_method, adapter, service_tier, region, context_tier
