-- prices_as_of(valid_at, known_at): one row is what one source said about one offer's meter at an instant, as known at another
with heard as materialized (
    select
        l.source,
        max(l.looked_at) filter (l.outcome in ('read', 'unchanged')) as looked_at,
        arg_max(l.position, row(l.looked_at, l.position)) filter (l.outcome = 'read') as position,
        arg_max(l.outcome, row(l.looked_at, l.position)) filter (l.outcome <> 'unreachable')
            as last_word
    from looks as l
    where l.looked_at <= valid_at::timestamp and l.known_at <= known_at::timestamp
    group by l.source
),

-- what the gate says of single prices in the capture that is believed
doubted as (
    select
        d.source,
        d.key,
        array_to_string(list_sort(list_distinct(list(d.rule))), ', ') as doubt,
        bool_or(d.severity = 'set_aside' and x.verdict is distinct from 'accepted') as is_set_aside
    from heard as g
    join doubts as d on g.position = d.position
    -- a person's last word on a doubt
    left join (
        select w.source, w.fingerprint, arg_max(w.verdict, w.position) as verdict
        from decisions as w
        where w.known_at <= known_at::timestamp
        group by w.source, w.fingerprint
    ) as x
        on d.source = x.source and d.fingerprint = x.fingerprint
    where d.key is not null
    group by d.source, d.key
),

-- what several sources state, or one by several names
contested as materialized (
    select
        i.source,
        i.key,
        i.shared_key,
        i.price_list,
        i.model,
        i.source_rank,
        coalesce(i.checked_at, g.looked_at) as confirmed_at,
        coalesce(
            coalesce(i.checked_at, g.looked_at)
            >= valid_at::timestamp - (select trusted_days from build_info) * interval 1 day,
            false
        ) as is_trusted,
        i.source || ': ' || price_in_words(i.availability, i.unit_price, i.pricing_currency) as said
    from intervals as i
    left join heard as g on i.source = g.source
    where i.shared_key is not null
        and i.is_listed
        and i.meter is not null
        and i.valid_from <= valid_at::timestamp
        and i.valid_to > least(valid_at::timestamp, timestamp '9999-12-31')
        and i.believed_from <= known_at::timestamp
        and i.believed_to > least(known_at::timestamp, timestamp '9999-12-31')
),

-- what a person chose holds as long as every source says what it said then
chosen as (
    select c.shared_key, c.price_list, arg_max(c.source, c.position) as source
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
        select shared_key, price_list, list(said order by source, model) as inputs
        from contested
        group by shared_key, price_list
    ) as a
        on c.shared_key = a.shared_key
        and c.price_list is not distinct from a.price_list
        and c.inputs = a.inputs
    where c.known_at <= known_at::timestamp
    group by c.shared_key, c.price_list
),

ranked as (
    select
        a.source,
        a.key,
        h.source is not null as is_chosen,
        row_number() over (
            partition by a.shared_key
            order by
                h.source is not null desc,
                a.is_trusted desc,
                -- of those that nobody confirmed of late the latest is the best there is
                case when a.is_trusted then a.source_rank end,
                case when a.is_trusted then null else a.confirmed_at end desc nulls last,
                a.source_rank,
                -- a seller's main list before a further one in another currency
                a.price_list is null desc,
                -- which of two was asked first on one day says nothing
                a.confirmed_at::date desc,
                a.source,
                -- one model's price is the same by every name, or the name closest to the model's holds
                length(a.model),
                a.model
        ) = 1 as is_preferred
    from contested as a
    left join chosen as h
        on a.shared_key = h.shared_key
        and a.price_list is not distinct from h.price_list
        and a.source = h.source
),

rates as (
    select
        e.currency,
        max(e.rate_on) as rate_on,
        arg_max(e.usd_per_unit, e.rate_on) as usd_per_unit
    from exchange_rates as e
    where e.rate_on <= valid_at::date
    group by e.currency
)

select
    a.provider,
    a.model,
    a.base_model,
    a.tuning_method,
    a.adapter,
    a.service_tier,
    a.region,
    a.context_tier,
    a.meter,
    a.price_list,
    a.availability,
    a.list_unit_price,
    a.pricing_unit,
    a.pricing_currency,
    a.unit_price,
    case
        when a.availability = 'free' then 0
        -- a dollar price needs no rate
        when r.currency = 'USD' then a.unit_price_usd
        else (a.unit_price::decimal(26, 10) * r.usd_per_unit)::decimal(20, 8)
    end as unit_price_usd,
    case when r.currency <> 'USD' then r.rate_on end as usd_rate_on,
    a.source,
    a.valid_from,
    nullif(a.valid_to, timestamp 'infinity') as valid_to,
    a.known_at,
    coalesce(a.checked_at, g.looked_at) as confirmed_at,
    coalesce(
        coalesce(a.checked_at, g.looked_at)
        < valid_at::timestamp - greatest(3 * a.cadence_hours, 48) * interval 1 hour,
        true
    )
    -- what was last seen says something else, or nothing that can be read
    or coalesce(g.last_word in ('refused', 'quarantined') or d.is_set_aside, false)
        as is_stale,
    coalesce(k.is_preferred, true) as is_preferred,
    a.capture_sha256,
    a.locator,
    a.printed_text,
    a.url,
    a.remark,
    d.doubt,
    a.parser_version,
    a.canonical_model,
    a.source_rank,
    coalesce(
        coalesce(a.checked_at, g.looked_at)
        >= valid_at::timestamp - (select trusted_days from build_info) * interval 1 day,
        false
    ) as is_trusted,
    coalesce(k.is_chosen, false) as is_chosen
from intervals as a
left join heard as g on a.source = g.source
left join rates as r on a.pricing_currency = r.currency
left join ranked as k on a.source = k.source and a.key = k.key
left join doubted as d on a.source = d.source and a.key = d.key
where a.is_listed
    and a.meter is not null
    and a.valid_from <= valid_at::timestamp
    and a.valid_to > least(valid_at::timestamp, timestamp '9999-12-31')
    and a.believed_from <= known_at::timestamp
    and a.believed_to > least(known_at::timestamp, timestamp '9999-12-31')
