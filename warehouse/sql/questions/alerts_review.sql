-- one row is a capture that waits, whole or in part, for a decision
with doubted as (
    select
        d.source,
        d.capture_sha256,
        l.looked_at,
        l.known_at,
        l.url,
        count(distinct d.fingerprint) as doubt_count,
        min(d.reason) as reason,
        bool_or(d.severity = 'hold') as is_whole
    from doubts as d
    join looks as l using (position)
    where d.severity <> 'flag'
    group by d.source, d.capture_sha256, l.looked_at, l.known_at, l.url
),

told as (
    select
        d.*,
        r.rule,
        s.provider,
        greatest(case when $is_replay then d.looked_at else d.known_at end, r.since) as fires_at
    from doubted as d
    join sources as s using (source)
    join alert_rules as r on coalesce(list_contains(r.sources, d.source), true)
    where case
        when $is_replay then d.looked_at >= $since::timestamp and coalesce(d.looked_at >= r.since, true)
        else exists (
            from review as w
            where w.source = d.source
                and w.capture_sha256 = d.capture_sha256
                and w.looked_at = d.looked_at
                and w.state = 'waiting'
        )
    end
)

select
    md5(concat_ws('|', 'review', rule, source, capture_sha256, looked_at)) as event_id,
    'review' as kind,
    rule,
    (
        select count(*)
        from looks as l
        where l.source = told.source and (not $is_replay or l.looked_at <= told.fires_at)
    ) <= 1 as is_first_load,
    false as is_pending,
    provider,
    source as subject,
    'review' as cause,
    reason as new,
    looked_at as began_at,
    fires_at,
    source,
    url,
    capture_sha256,
    to_json({is_whole: is_whole, doubt_count: doubt_count})::varchar as details
from told
order by fires_at, event_id
