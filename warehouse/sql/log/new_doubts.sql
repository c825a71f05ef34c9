-- one row is a doubt about the capture of a look
select
    $position::bigint as position,
    $source as source,
    $capture_sha256 as capture_sha256,
    rule,
    severity,
    if(
        meter is null and term is null,
        null,
        fact_key(
            provider, model, tuning_method, adapter, service_tier, region, context_tier, meter,
            term, price_list
        )
    ) as key,
    provider,
    model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier,
    meter,
    price_list,
    term,
    reason,
    fingerprint,
    other
from found
