-- one row is a price or a term that the capture states
select *, null::varchar as term, null::varchar as value from quotes
union all by name
select
    *,
    null::varchar as meter,
    null::varchar as price_list,
    null::varchar as availability,
    null::decimal(38, 18) as list_unit_price,
    null::varchar as pricing_unit,
    null::varchar as pricing_currency,
    null::decimal(38, 18) as unit_price
from terms
