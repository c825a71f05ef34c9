-- one row is a fact on which sources differ, named as a decision on it names it, with what each says
select distinct
    provider,
    canonical_model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier,
    meter,
    price_list,
    term,
    inputs
from disagreements
where provider = $provider
    and regexp_replace(lower($model), '[\s_]+', '-', 'g') in (
        regexp_replace(lower(model), '[\s_]+', '-', 'g'), canonical_model
    )
    and $what in (meter, term)
    and ($tuning_method::varchar is null or tuning_method = $tuning_method)
    and ($adapter::varchar is null or adapter = $adapter)
    and ($service_tier::varchar is null or service_tier = $service_tier)
