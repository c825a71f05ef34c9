-- terms_as_of(valid_at, known_at): one row is a term of an offer as one source said it at an instant, as known at another
with good as (
    select l.source, max(l.looked_at) as looked_at
    from looks as l
    where l.outcome in ('read', 'unchanged')
        and l.looked_at <= valid_at::timestamp
        and l.known_at <= known_at::timestamp
    group by l.source
),

held as (
    select i.*, coalesce(i.checked_at, g.looked_at) as confirmed_at
    from fact_intervals(known_at::timestamp) as i
    left join good as g on i.source = g.source
    where i.is_listed
        and i.term is not null
        and i.valid_from <= valid_at::timestamp
        and (i.valid_to is null or i.valid_to > valid_at::timestamp)
),

-- what a person chose holds as long as every source says what it said then
chosen as (
    select *
    from (
        select c.*
        from choices as c
        join held as i
            on c.provider = i.provider
            and c.canonical_model = i.canonical_model
            and c.tuning_method = i.tuning_method
            and c.adapter is not distinct from i.adapter
            and c.service_tier = i.service_tier
            and c.region is not distinct from i.region
            and c.context_tier is not distinct from i.context_tier
            and c.term = i.term
        where c.known_at <= known_at::timestamp
        group by all
        having c.inputs = list(i.source || ': ' || i.value order by i.source, i.model)
    )
    qualify row_number() over (
        partition by provider, canonical_model, tuning_method, adapter, service_tier, region, context_tier, term
        order by position desc
    ) = 1
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
left join chosen as h
    on h.provider = i.provider
    and h.canonical_model = i.canonical_model
    and h.tuning_method = i.tuning_method
    and h.adapter is not distinct from i.adapter
    and h.service_tier = i.service_tier
    and h.region is not distinct from i.region
    and h.context_tier is not distinct from i.context_tier
    and h.term = i.term
    and h.source = i.source
