-- terms_as_of(valid_at, known_at): one row is a term of an offer as one source said it at an instant, as known at another
with good as (
    select l.source, max(l.looked_at) as looked_at
    from looks as l
    where l.outcome in ('read', 'unchanged')
        and l.looked_at <= valid_at::timestamp
        and l.known_at <= known_at::timestamp
    group by l.source
),

held as materialized (
    select i.*, coalesce(i.checked_at, g.looked_at) as confirmed_at
    from intervals as i
    left join good as g on i.source = g.source
    where i.is_listed
        and i.term is not null
        and i.valid_from <= valid_at::timestamp
        and i.valid_to > least(valid_at::timestamp, timestamp '9999-12-31')
        and i.believed_from <= known_at::timestamp
        and i.believed_to > least(known_at::timestamp, timestamp '9999-12-31')
),

-- what a person chose holds as long as every source says what it said then
chosen as (
    select c.shared_key, arg_max(c.source, c.position) as source
    from (
        select
            *,
            fact_key(
                provider, canonical_model, tuning_method, adapter, service_tier, region,
                context_tier, meter, term, null
            ) as shared_key
        from choices
    ) as c
    join (
        select shared_key, list(source || ': ' || value order by source, model) as inputs
        from held
        where shared_key is not null
        group by shared_key
    ) as a
        on c.shared_key = a.shared_key and c.inputs = a.inputs
    where c.known_at <= known_at::timestamp
    group by c.shared_key
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
    nullif(i.valid_to, timestamp 'infinity') as valid_to,
    i.known_at,
    i.confirmed_at,
    i.capture_sha256,
    i.locator,
    i.printed_text,
    i.url,
    i.remark,
    i.parser_version,
    i.canonical_model,
    i.source_rank,
    coalesce(
        i.confirmed_at
        >= valid_at::timestamp - (select trusted_days from build_info) * interval 1 day,
        false
    ) as is_trusted,
    h.source is not null as is_chosen
from held as i
left join chosen as h on i.shared_key = h.shared_key and i.source = h.source
