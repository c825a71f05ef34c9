-- one row is a fact as it was believed just before a capture
select
    subject.provider as provider,
    subject.model as model,
    subject.tuning_method as tuning_method,
    subject.adapter as adapter,
    subject.service_tier as service_tier,
    subject.region as region,
    subject.context_tier as context_tier,
    subject.meter as meter,
    subject.price_list as price_list,
    subject.term as term,
    says.availability as availability,
    says.list_unit_price as list_unit_price,
    says.pricing_unit as pricing_unit,
    says.pricing_currency as pricing_currency,
    says.unit_price as unit_price,
    says.value as value
from believed
where valid_from <= $looked_at
qualify row_number() over (partition by key order by valid_from desc) = 1 and says.is_listed
