-- one row is what was said last of a fact that moved
select
    source,
    subject_hash(
        provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, term,
        price_list
    ) as subject,
    says_hash(
        availability, list_unit_price, pricing_unit, pricing_currency, unit_price, value, checked_at
    ) as says,
    key,
    is_listed,
    valid_from,
    position,
    version() as made_by
from facts
where source = $source and position = $position
