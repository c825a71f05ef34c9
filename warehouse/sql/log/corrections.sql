-- one row is a fact that a capture states otherwise now that it was read again
select
    position,
    source,
    key,
    valid_from,
    known_at,
    believed_says.availability as old_availability,
    believed_says.list_unit_price as old_list_unit_price,
    believed_says.pricing_unit as old_pricing_unit,
    believed_says.pricing_currency as old_pricing_currency,
    believed_says.unit_price as old_unit_price,
    believed_says.value as old_value
from change_points
