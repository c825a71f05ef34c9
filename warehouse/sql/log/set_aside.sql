-- one row is a fact of a capture that was set aside, and stays as it was
select
    fact_key(
        provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, term,
        price_list
    ) as key
from aside
