-- one row is two sources that state different values for one fact, undecided, that a rule asks about
with told as (
    select
        d.*,
        r.rule,
        greatest(d.since_at, r.since) as fires_at,
        concat_ws(
            ' ',
            d.provider,
            case when d.model = '*' then 'every model' else d.model end,
            nullif(nullif(d.tuning_method, 'none'), 'unknown'),
            nullif(d.adapter, 'unknown'),
            nullif(d.service_tier, 'standard'),
            d.region,
            d.context_tier,
            d.price_list,
            coalesce(d.meter, d.term)
        ) as subject
    from disagreements as d
    join alert_rules as r
        on coalesce(list_contains(r.providers, d.provider), true)
        and coalesce(list_contains(r.methods, d.tuning_method), true)
        and coalesce(list_contains(r.tiers, d.service_tier), true)
        and (
            r.meters is null and r.terms is null
            or list_contains(r.meters, d.meter)
            or list_contains(r.terms, d.term)
        )
        and (
            r.sources is null
            or list_contains(r.sources, d.source_a)
            or list_contains(r.sources, d.source_b)
        )
        and (
            r.models is null
            or d.model = '*'
            or len(list_filter(
                r.models,
                lambda name: lower(d.model) glob name or lower(d.canonical_model) glob name
            )) > 0
        )
    where d.decision is null
)

select
    md5(concat_ws(
        '|', 'disagreements', rule, subject, source_a, value_a, source_b, value_b, since_at
    )) as event_id,
    'disagreements' as kind,
    rule,
    (
        select min(looks) <= 1
        from (
            select count(l.source) as looks
            from (values (t.source_a), (t.source_b)) as s (source)
            left join looks as l
                on s.source = l.source and (not $is_replay or l.looked_at <= t.fires_at)
            group by s.source
        )
    ) as is_first_load,
    false as is_pending,
    t.provider,
    t.subject,
    'disagreement' as cause,
    value_a as old,
    value_b as new,
    difference_pct as change_pct,
    since_at as began_at,
    fires_at,
    source_a as source,
    s.url,
    t.model,
    t.canonical_model,
    t.meter,
    t.term,
    to_json({
        tuning_method: t.tuning_method,
        adapter: t.adapter,
        service_tier: t.service_tier,
        region: t.region,
        context_tier: t.context_tier,
        price_list: t.price_list,
        source_b: t.source_b
    })::varchar as details
from told as t
join sources as s on t.source_a = s.source
where not $is_replay or fires_at >= $since::timestamp
order by fires_at, event_id
