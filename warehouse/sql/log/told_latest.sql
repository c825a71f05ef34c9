-- one row is a fact as its source said it last
select
    f.provider,
    f.model,
    f.tuning_method,
    f.adapter,
    f.service_tier,
    f.region,
    f.context_tier,
    f.meter,
    f.price_list,
    f.term,
    f.availability,
    f.list_unit_price,
    f.pricing_unit,
    f.pricing_currency,
    f.unit_price,
    f.value
from latest as l
join facts as f using (source, key, valid_from, position)
where l.source = $source and l.is_listed
