-- one row is an offer whose break-even crossed the requests that a rule asks about
--
-- Asked just before each change of a price or a term that is news, and at it: silence, which moves
-- verdicts at other moments, is none. What was unknown before or after crosses nothing. It fires
-- when the change was known.
with known_changes as materialized (
    select
        * replace (
            case when $is_replay then valid_from else greatest(valid_from, first_known_at) end
                as fires_at
        )
    from news($is_replay)
    where cause not in ('correction', 'unit_restated') and remark is distinct from 'revoked'
),

moments as (
    select valid_from as moment, min(fires_at) as fires_at
    from known_changes
    where is_news
        and fires_at >= $since::timestamp
        -- what was accepted late began before
        and valid_from between $since::timestamp - interval 30 day
        and (select built_at from build_info)
    group by valid_from
),

sides as materialized (
    select m.moment, m.fires_at, false as is_after, b.*
    from moments as m,
        lateral (select * from break_even_as_of(m.moment - interval 1 microsecond)) as b
    union all
    select m.moment, m.fires_at, true as is_after, b.*
    from moments as m,
        lateral (select * from break_even_as_of(m.moment)) as b
),

crossed as (
    select
        r.rule,
        r.requests as asked,
        a.*,
        concat_ws(
            ' ',
            a.provider,
            a.model,
            nullif(a.tuning_method, 'unknown'),
            nullif(a.adapter, 'unknown'),
            nullif(a.service_tier, 'standard'),
            a.region,
            a.context_tier
        ) as offer,
        b.requests_needed as needed_before,
        coalesce(a.requests_needed <= r.requests, false) as pays,
        coalesce(b.requests_needed <= r.requests, false) as paid
    from sides as a
    join sides as b
        on a.moment = b.moment
        and a.workload = b.workload
        and a.comparator = b.comparator
        and a.provider = b.provider
        and a.model = b.model
        and a.tuning_method = b.tuning_method
        and a.adapter is not distinct from b.adapter
        and a.service_tier = b.service_tier
        and a.region is not distinct from b.region
        and a.context_tier is not distinct from b.context_tier
    join alert_rules as r
        on a.workload = r.workload
        and a.comparator = r.comparator
        and coalesce(list_contains(r.providers, a.provider), true)
        and coalesce(list_contains(r.methods, a.tuning_method), true)
        and (
            r.models is null
            or len(list_filter(
                r.models,
                lambda name: lower(a.model) glob name or lower(a.canonical_model) glob name
            )) > 0
        )
    where a.is_after
        and not b.is_after
        and a.verdict <> 'unknown'
        and b.verdict <> 'unknown'
        and pays <> paid
        and coalesce(a.moment >= r.since, true)
),

-- a change of that moment that can have done it, its own seller's first
explained as (
    select distinct on (c.rule, c.workload, c.moment, c.offer)
        c.* exclude (fires_at),
        coalesce(p.fires_at, c.fires_at) as fires_at,
        p.is_news,
        p.source,
        p.url,
        p.capture_sha256,
        p.provider as changed_provider,
        p.model as changed_model,
        p.meter,
        p.term,
        p.pricing_currency,
        p.printed_text,
        p.last_seen_before_at,
        p.old_value,
        p.new_value,
        p.old_availability,
        p.new_availability,
        p.old_pricing_currency,
        p.change_pct as changed_pct
    from crossed as c
    left join (
        select p.*, o.canonical_model as changed_canonical
        from known_changes as p
        join offer_models as o on p.provider = o.provider and p.model = o.model
    ) as p
        on c.moment = p.valid_from
        and p.provider in (c.provider, c.comparator_provider)
        and p.changed_canonical in (c.canonical_model, c.base_model, c.comparator_model, '*')
    order by
        c.rule,
        c.workload,
        c.moment,
        c.offer,
        p.is_news desc nulls last,
        p.provider <> c.provider nulls last,
        p.change_id
)

select
    md5(concat_ws('|', 'break_even', rule, workload, offer, moment)) as event_id,
    'break_even' as kind,
    rule,
    false as is_first_load,
    false as is_pending,
    provider,
    offer || ' for ' || workload as subject,
    case when pays then 'pays_back' else 'no_longer' end as cause,
    needed_before::varchar as old,
    requests_needed::varchar as new,
    moment as began_at,
    fires_at,
    source,
    url,
    capture_sha256,
    model,
    canonical_model,
    meter,
    term,
    pricing_currency,
    printed_text,
    last_seen_before_at,
    to_json({
        tuning_method: tuning_method,
        adapter: adapter,
        service_tier: service_tier,
        region: region,
        context_tier: context_tier,
        workload: workload,
        asked: asked,
        verdict: verdict,
        months: months_to_break_even,
        changed_provider: changed_provider,
        changed_model: changed_model,
        old_value: old_value,
        new_value: new_value,
        old_availability: old_availability,
        new_availability: new_availability,
        old_pricing_currency: old_pricing_currency,
        changed_pct: changed_pct
    })::varchar as details
from explained
-- what no change is found for, one in a bracket of sizes did
where coalesce(is_news, true)
order by fires_at, event_id
