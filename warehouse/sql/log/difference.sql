-- one row is a fact in which a capture differs from what is believed, as printed
select
    coalesce(b.provider, n.provider) as provider,
    coalesce(b.model, n.model) as model,
    coalesce(b.tuning_method, n.tuning_method) as tuning_method,
    coalesce(b.adapter, n.adapter) as adapter,
    coalesce(b.service_tier, n.service_tier) as service_tier,
    coalesce(b.region, n.region) as region,
    coalesce(b.context_tier, n.context_tier) as context_tier,
    coalesce(b.meter, n.meter) as meter,
    coalesce(b.price_list, n.price_list) as price_list,
    coalesce(b.term, n.term) as term,
    concat_ws(
        ' ',
        b.availability,
        rtrim(rtrim(b.list_unit_price::varchar, '0'), '.'),
        b.pricing_currency,
        'per ' || b.pricing_unit,
        b.value
    ) as old,
    concat_ws(
        ' ',
        n.availability,
        rtrim(rtrim(n.list_unit_price::varchar, '0'), '.'),
        n.pricing_currency,
        'per ' || n.pricing_unit,
        n.value
    ) as new
from told_before as b
full join told_now as n
    on b.provider is not distinct from n.provider
    and b.model is not distinct from n.model
    and b.tuning_method is not distinct from n.tuning_method
    and b.adapter is not distinct from n.adapter
    and b.service_tier is not distinct from n.service_tier
    and b.region is not distinct from n.region
    and b.context_tier is not distinct from n.context_tier
    and b.meter is not distinct from n.meter
    and b.price_list is not distinct from n.price_list
    and b.term is not distinct from n.term
where old is distinct from new
order by all
