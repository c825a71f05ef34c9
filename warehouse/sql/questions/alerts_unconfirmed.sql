-- one row is a seller's prices in one source that nobody confirmed for as many days as a rule asks
with silent as (
    select
        r.rule,
        r.days,
        p.source,
        p.provider,
        p.confirmed_at,
        greatest(p.confirmed_at + r.days * interval 1 day, r.since) as fires_at,
        count(*) as price_count,
        min(p.model) as first_model,
        any_value(p.url) as url,
        any_value(p.capture_sha256) as capture_sha256
    from current_prices as p
    join alert_rules as r
        on coalesce(list_contains(r.providers, p.provider), true)
        and coalesce(list_contains(r.methods, p.tuning_method), true)
        and coalesce(list_contains(r.meters, p.meter), true)
        and (
            r.models is null
            or len(list_filter(
                r.models,
                lambda name: lower(p.model) glob name or lower(p.canonical_model) glob name
            )) > 0
        )
    where p.is_preferred and p.availability in ('priced', 'free')
    group by r.rule, r.days, r.since, p.source, p.provider, p.confirmed_at
)

select
    md5(concat_ws('|', 'unconfirmed', rule, provider, source, confirmed_at)) as event_id,
    'unconfirmed' as kind,
    rule,
    (
        select count(*)
        from looks as l
        where l.source = silent.source and (not $is_replay or l.looked_at <= silent.fires_at)
    ) <= 1 as is_first_load,
    false as is_pending,
    provider,
    provider || ' in ' || source as subject,
    'unconfirmed' as cause,
    confirmed_at as began_at,
    fires_at,
    source,
    url,
    capture_sha256,
    to_json({
        price_count: price_count,
        first_model: first_model,
        days_silent: date_diff('day', confirmed_at, b.built_at)
    })::varchar as details
from silent
cross join build_info as b
where fires_at <= b.built_at and (not $is_replay or fires_at >= $since::timestamp)
order by fires_at, event_id
