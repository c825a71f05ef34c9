-- one row is a term that one source stated and the interval that it held, to our latest knowledge
select
    provider,
    model,
    base_model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier,
    term,
    value,
    source,
    valid_from,
    valid_to,
    known_at,
    capture_sha256,
    locator,
    printed_text,
    url,
    remark,
    parser_version
from fact_intervals(timestamp 'infinity')
where is_listed and term is not null
order by provider, model, term, source, valid_from
