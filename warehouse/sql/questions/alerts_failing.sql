-- one row is a time in which every look at a source failed, for as many days as a rule asks
with counted as (
    select
        *,
        outcome in ('read', 'unchanged') as is_good,
        count(*) filter (outcome in ('read', 'unchanged')) over (
            partition by source order by looked_at, position
        ) as run,
        lead(looked_at) over (partition by source order by looked_at, position) as next_at
    from looks
),

failures as (
    select
        source,
        run,
        min(looked_at) as began_at,
        max(looked_at) as last_look_at,
        -- the look that ends them comes after the last of them
        arg_max_null(next_at, (looked_at, position)) as ended_at,
        arg_max_null(error, (looked_at, position)) as error,
        arg_max_null(url, (looked_at, position)) as url,
        arg_max_null(capture_sha256, (looked_at, position)) as capture_sha256,
        count(*) as look_count
    from counted
    where not is_good
    group by source, run
),

told as (
    select
        f.*,
        r.rule,
        s.provider,
        greatest(f.began_at + r.days * interval 1 day, r.since) as fires_at
    from failures as f
    join sources as s using (source)
    join alert_rules as r on coalesce(list_contains(r.sources, f.source), true)
    cross join build_info as b
    where fires_at <= least(coalesce(f.ended_at, b.built_at), b.built_at)
        and case
            when $is_replay then fires_at >= $since::timestamp
            -- who looks at it no more is not told that it fails
            else f.ended_at is null and s.unasked is null
        end
)

select
    md5(concat_ws('|', 'failing', rule, source, began_at)) as event_id,
    'failing' as kind,
    rule,
    false as is_first_load,
    false as is_pending,
    provider,
    source as subject,
    'failing' as cause,
    error as new,
    began_at,
    fires_at,
    source,
    url,
    capture_sha256,
    to_json({look_count: look_count, last_look_at: last_look_at})::varchar as details
from told
order by fires_at, event_id
