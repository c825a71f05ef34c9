-- one row is a day on which a model ends, that comes within the days that a rule asks for
with ends as (
    select
        t.*,
        try_cast(t.value as date) as ends_on,
        o.canonical_model,
        s.rank
    from terms_history as t
    join sources as s using (source)
    join offer_models as o on t.provider = o.provider and t.model = o.model
    where t.term in ('shutdown_on', 'last_training_on')
),

near as (
    select
        e.*,
        r.rule,
        r.days,
        greatest(e.valid_from, e.ends_on - r.days * interval 1 day, r.since) as fires_at
    from ends as e
    join alert_rules as r
        on list_contains(r.terms, e.term)
        and coalesce(list_contains(r.providers, e.provider), true)
        and (e.model = '*' or coalesce(list_contains(r.methods, e.tuning_method), true))
        and (
            r.models is null
            or e.model = '*'
            or len(list_filter(
                r.models,
                lambda name: lower(e.model) glob name or lower(e.canonical_model) glob name
            )) > 0
        )
    where fires_at < e.ends_on + interval 1 day and coalesce(fires_at < e.valid_to, true)
),

-- several sources may say so
told as (
    select distinct on (rule, provider, canonical_model, tuning_method, term, ends_on) n.*
    from near as n
    cross join build_info as b
    where n.fires_at <= b.built_at
        and case
            when $is_replay then n.fires_at >= $since::timestamp
            else n.valid_to is null and n.ends_on >= b.built_at::date
        end
    order by rule, provider, canonical_model, tuning_method, term, ends_on, fires_at, rank, source, model
)

select
    md5(concat_ws(
        '|', 'ends', rule, provider, canonical_model, tuning_method, term, ends_on
    )) as event_id,
    'ends' as kind,
    rule,
    (
        select count(*)
        from looks as l
        where l.source = told.source and (not $is_replay or l.looked_at <= told.fires_at)
    ) <= 1 as is_first_load,
    false as is_pending,
    provider,
    concat_ws(
        ' ',
        provider,
        case when model = '*' then 'every model' else model end,
        nullif(nullif(tuning_method, 'none'), 'unknown')
    ) as subject,
    term as cause,
    value as new,
    valid_from as began_at,
    fires_at,
    source,
    url,
    capture_sha256,
    model,
    canonical_model,
    term,
    printed_text,
    to_json({
        tuning_method: tuning_method,
        days_left: date_diff(
            'day',
            case when $is_replay then fires_at else (select built_at from build_info) end::date,
            ends_on
        )
    })::varchar as details
from told
order by fires_at, event_id
