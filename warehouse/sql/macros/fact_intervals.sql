-- fact_intervals(known_by): one row is what one source said, or no longer said, of one fact, and from when to when, as known then
with believed as (
    select f.*
    from facts as f
    where f.known_at <= known_by
    qualify row_number() over (
        partition by f.source, f.key, f.valid_from order by f.known_at desc, f.position desc
    ) = 1
),

said as (
    select
        *,
        row(
            is_listed,
            availability,
            list_unit_price,
            pricing_unit,
            pricing_currency,
            unit_price,
            value
        ) as says
    from believed
),

marked as (
    select
        * exclude (says),
        says is distinct from lag(says) over steps
        -- what was never listed was not withdrawn either
        and (is_listed or lag(says) over steps is not null) as is_change
    from said
    window steps as (partition by source, key order by valid_from)
),

runs as (
    select
        *,
        count(*) filter (is_change) over (
            partition by source, key order by valid_from rows unbounded preceding
        ) as run
    from marked
)

select
    r.* exclude (is_change, run, checked_at, url),
    max(r.checked_at) over (partition by r.source, r.key, r.run) as checked_at,
    coalesce(r.url, s.url) as url,
    s.rank as source_rank,
    s.cadence_hours,
    o.canonical_model,
    o.base_model,
    lead(r.valid_from) over (
        partition by r.source, r.key, r.is_change order by r.valid_from
    ) as valid_to,
    r.is_change
from runs as r
join sources as s using (source)
join offer_models as o on r.provider = o.provider and r.model = o.model
qualify r.is_change
