-- one row is a price or a term that the capture states, with the key that names it in the log
select
    fact_key(
        provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, term,
        price_list
    ) as key,
    coalesce(valid_from, $looked_at) as valid_from,
    valid_from is not null as is_dated,
    {
        provider: provider,
        model: model,
        tuning_method: tuning_method,
        adapter: adapter,
        service_tier: service_tier,
        region: region,
        context_tier: context_tier,
        meter: meter,
        price_list: price_list,
        term: term
    } as subject,
    {
        is_listed: true,
        availability: availability,
        list_unit_price: list_unit_price,
        pricing_unit: pricing_unit,
        pricing_currency: pricing_currency,
        unit_price: unit_price,
        value: value,
        checked_at: checked_at
    } as says,
    {
        capture_sha256: $capture_sha256,
        locator: locator,
        printed_text: printed_text,
        url: url,
        remark: remark,
        parser_version: $parser_version
    } as evidence
from said
