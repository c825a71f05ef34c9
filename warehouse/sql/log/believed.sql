-- one row is a change point of one source as the latest knowledge has it
select
    key,
    valid_from,
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
        is_listed: is_listed,
        availability: availability,
        list_unit_price: list_unit_price,
        pricing_unit: pricing_unit,
        pricing_currency: pricing_currency,
        unit_price: unit_price,
        value: value,
        checked_at: checked_at
    } as says,
    {
        capture_sha256: capture_sha256,
        locator: locator,
        printed_text: printed_text,
        url: url,
        remark: remark,
        parser_version: parser_version
    } as evidence
from facts
where source = $source
qualify row_number() over (
    partition by key, valid_from order by known_at desc, position desc
) = 1
