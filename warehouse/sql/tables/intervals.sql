-- one row is what one source said, or no longer said, of one fact: when it held, and when we believed so
--
-- What still holds, and what is still believed, ends at infinity: then a question about two
-- instants is four comparisons. What we know of a fact comes in epochs. Within one, whatever
-- becomes known lies after all that was known, so that it ends the last interval and leaves the
-- others alone. What lies earlier begins a new epoch, in which all is told anew.
with told as (
    select
        rowid as fact,
        source,
        key,
        valid_from,
        known_at,
        position,
        checked_at,
        is_listed,
        hash(
            is_listed,
            availability,
            list_unit_price,
            pricing_unit,
            pricing_currency,
            unit_price,
            value
        ) as says,
        coalesce(
            valid_from <= max(valid_from) over (
                partition by source, key order by known_at
                groups between unbounded preceding and 1 preceding
            ),
            true
        ) as begins_epoch
    from facts
),

epochs as (
    select
        source,
        key,
        known_at as begins_at,
        lead(known_at, 1, timestamp 'infinity') over (partition by source, key order by known_at)
            as ends_at
    from told
    where begins_epoch
    group by source, key, known_at
),

-- the last word on each instant that is spoken of
points as (
    select
        t.* replace (greatest(t.known_at, e.begins_at) as known_at),
        e.begins_at,
        e.ends_at
    from told as t
    join epochs as e on t.source = e.source and t.key = e.key and t.known_at < e.ends_at
    qualify row_number() over (
        partition by t.source, t.key, e.begins_at, t.valid_from
        order by t.known_at desc, t.position desc
    ) = 1
),

marked as (
    select
        *,
        says is distinct from lag(says) over steps
        -- what was never listed was not withdrawn either
        and (is_listed or lag(says) over steps is not null) as is_change,
        lead(known_at, 1, ends_at) over steps as next_known_at
    from points
    window steps as (partition by source, key, begins_at order by valid_from)
),

runs as (
    select
        *,
        max(valid_from) filter (is_change) over (
            partition by source, key, begins_at order by valid_from rows unbounded preceding
        ) as run
    from marked
),

spans as (
    select
        first_value(fact) over so_far as fact,
        max(checked_at) over so_far as checked_at,
        nullif(lead(run) over (partition by source, key, begins_at order by valid_from), run)
            as next_run,
        known_at,
        next_known_at,
        ends_at
    from runs
    where run is not null
    window so_far as (
        partition by source, key, begins_at, run order by valid_from rows unbounded preceding
    )
),

believed as (
    select
        fact,
        checked_at,
        timestamp 'infinity' as valid_to,
        known_at as believed_from,
        next_known_at as believed_to
    from spans
    where known_at < next_known_at
    union all
    select fact, checked_at, next_run, next_known_at, ends_at
    from spans
    where next_run is not null
),

named as (
    select
        f.source,
        f.key,
        o.canonical_model,
        o.base_model,
        fact_key(
            f.provider,
            o.canonical_model,
            f.tuning_method,
            f.adapter,
            f.service_tier,
            f.region,
            f.context_tier,
            f.meter,
            f.term,
            null
        ) as shared_key
    from (select distinct on (source, key) * from facts) as f
    join offer_models as o on f.provider = o.provider and f.model = o.model
),

-- what several sources state, or one by several names, or a person has had to decide on
contested as (
    select shared_key from named group by shared_key having count(*) > 1
    union
    select fact_key(
        provider, canonical_model, tuning_method, adapter, service_tier, region, context_tier, meter,
        term, null
    )
    from choices
)

select
    f.* exclude (checked_at, url),
    b.checked_at,
    coalesce(f.url, s.url) as url,
    s.rank as source_rank,
    s.cadence_hours,
    n.canonical_model,
    n.base_model,
    c.shared_key,
    case when f.pricing_currency = 'USD' then f.unit_price::decimal(26, 10)::decimal(20, 8) end
        as unit_price_usd,
    b.valid_to,
    b.believed_from,
    b.believed_to
from believed as b
join facts as f on b.fact = f.rowid
join sources as s on f.source = s.source
join named as n on f.source = n.source and f.key = n.key
left join contested as c using (shared_key)
-- a question skips what is no longer believed, and finds one seller's prices side by side
order by
    b.believed_to < timestamp 'infinity',
    date_trunc('year', f.valid_from),
    f.provider,
    b.valid_to,
    b.believed_to,
    f.model,
    f.tuning_method,
    f.adapter,
    f.service_tier,
    f.region,
    f.meter,
    f.key
