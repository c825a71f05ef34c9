-- prices_as_of(valid_at, known_at): one row is what one source said about one offer's meter at an instant, as known at another
with heard as (
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

-- a person's last word on a doubt
decided as (
    select x.source, x.fingerprint, arg_max(x.verdict, x.position) as verdict
    from decisions as x
    where x.known_at <= known_at::timestamp
    group by x.source, x.fingerprint
),

-- what the gate says of single prices in the capture that is believed
doubted as (
    select
        d.position,
        d.key,
        string_agg(distinct d.rule, ', ' order by d.rule) as doubt,
        bool_or(d.severity = 'set_aside' and x.verdict is distinct from 'accepted') as is_set_aside
    from doubts as d
    left join decided as x on d.source = x.source and d.fingerprint = x.fingerprint
    where d.key is not null
    group by d.position, d.key
),

held as (
    select
        i.*,
        coalesce(i.checked_at, g.looked_at) as confirmed_at,
        g.last_word,
        d.doubt,
        d.is_set_aside
    from fact_intervals(known_at::timestamp) as i
    left join heard as g on i.source = g.source
    left join doubted as d on g.position = d.position and i.key = d.key
    where i.is_listed
        and i.meter is not null
        and i.valid_from <= valid_at::timestamp
        and (i.valid_to is null or i.valid_to > valid_at::timestamp)
),

aged as (
    select
        h.*,
        valid_at::date as asked_on,
        coalesce(
            h.confirmed_at
            < valid_at::timestamp - greatest(3 * h.cadence_hours, 48) * interval 1 hour,
            true
        )
        -- what was last seen says something else, or nothing that can be read
        or coalesce(h.last_word in ('refused', 'quarantined') or h.is_set_aside, false)
            as is_stale,
        coalesce(
            h.confirmed_at >= valid_at::timestamp - (select trusted_days from build_info) * interval 1 day, false
        ) as is_trusted
    from held as h
),

-- what a person chose holds as long as every source says what it said then
chosen as (
    select *
    from (
        select c.*
        from choices as c
        join aged as a
            on c.provider = a.provider
            and c.canonical_model = a.canonical_model
            and c.tuning_method = a.tuning_method
            and c.adapter is not distinct from a.adapter
            and c.service_tier = a.service_tier
            and c.region is not distinct from a.region
            and c.context_tier is not distinct from a.context_tier
            and c.meter = a.meter
            and c.price_list is not distinct from a.price_list
        where c.known_at <= known_at::timestamp
        group by all
        having c.inputs = list(
            a.source || ': ' || price_in_words(a.availability, a.unit_price, a.pricing_currency)
            order by a.source, a.model
        )
    )
    qualify row_number() over (
        partition by provider, canonical_model, tuning_method, adapter, service_tier, region, context_tier, meter, price_list
        order by position desc
    ) = 1
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
        else round(a.unit_price::decimal(26, 10) * r.usd_per_unit, 8)
    end::decimal(20, 8) as unit_price_usd,
    -- a dollar price needs no rate
    case when r.currency <> 'USD' then r.rate_on end as usd_rate_on,
    a.source,
    a.valid_from,
    a.valid_to,
    a.known_at,
    a.confirmed_at,
    a.is_stale,
    row_number() over (
        partition by
            a.provider,
            a.canonical_model,
            a.tuning_method,
            a.adapter,
            a.service_tier,
            a.region,
            a.context_tier,
            a.meter
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
    ) = 1 as is_preferred,
    a.capture_sha256,
    a.locator,
    a.printed_text,
    a.url,
    a.remark,
    a.doubt,
    a.parser_version,
    a.canonical_model,
    a.source_rank,
    a.is_trusted,
    h.source is not null as is_chosen
from aged as a
left join chosen as h
    on h.provider = a.provider
    and h.canonical_model = a.canonical_model
    and h.tuning_method = a.tuning_method
    and h.adapter is not distinct from a.adapter
    and h.service_tier = a.service_tier
    and h.region is not distinct from a.region
    and h.context_tier is not distinct from a.context_tier
    and h.meter = a.meter
    and h.price_list is not distinct from a.price_list
    and h.source = a.source
asof left join exchange_rates as r
    on a.pricing_currency = r.currency and a.asked_on >= r.rate_on
