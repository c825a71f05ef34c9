-- one row is a price that a model had and the interval that it held
select
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
    meter,
    availability,
    list_unit_price as price,
    concat_ws(' per ', pricing_currency, pricing_unit) as unit,
    valid_from,
    valid_to,
    confirmed_at,
    source
from price_history
where (model ilike $model or base_model ilike $model)
    and ($provider::varchar is null or provider = $provider)
order by provider, model, method, meter, source, valid_from
