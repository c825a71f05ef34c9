-- terms_as_of(valid_at, known_at): one row is a term of an offer as one source said it at an instant, as known at another
with good as (
    select l.source, max(l.looked_at) as looked_at
    from looks as l
    where l.outcome in ('read', 'unchanged')
        and l.looked_at <= valid_at::timestamp
        and l.known_at <= known_at::timestamp
    group by l.source
)

select
    i.provider,
    i.model,
    i.base_model,
    i.tuning_method,
    i.adapter,
    i.service_tier,
    i.region,
    i.context_tier,
    i.term,
    i.value,
    i.source,
    i.valid_from,
    i.valid_to,
    i.known_at,
    coalesce(i.checked_at, g.looked_at) as confirmed_at,
    i.capture_sha256,
    i.locator,
    i.printed_text,
    i.url,
    i.remark,
    i.parser_version,
    i.canonical_model,
    i.source_rank,
    coalesce(
        coalesce(i.checked_at, g.looked_at)
        >= valid_at::timestamp - (select trusted_days from build_info) * interval 1 day,
        false
    ) as is_trusted
from fact_intervals(known_at::timestamp) as i
left join good as g on i.source = g.source
where i.is_listed
    and i.term is not null
    and i.valid_from <= valid_at::timestamp
    and (i.valid_to is null or i.valid_to > valid_at::timestamp)
