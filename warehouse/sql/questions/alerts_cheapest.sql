-- one row is a moment at which another offer became the cheapest, of those that a rule asks about
--
-- Silent where nothing but the first word of a source, a re-read, or silence ended it.
with spans as materialized (
    select
        *,
        concat_ws(
            ' ',
            provider,
            coalesce(expanded_from, model),
            nullif(tuning_method, 'unknown'),
            nullif(adapter, 'unknown'),
            nullif(service_tier, 'standard'),
            region,
            context_tier
        ) as offer
    from winner_history($since::timestamp, (select built_at from build_info))
),

ended as (
    select distinct on (question, constraint_set, won_to)
        question,
        constraint_set,
        won_to as moment,
        cause,
        ended_by,
        coalesce(meter, term) as what,
        old_value,
        new_value,
        source,
        change_id
    from spans
    where won_to is not null and cause not in ('first_seen', 'correction', 'unit_restated')
    order by question, constraint_set, won_to, change_id nulls last, offer
),

told as (
    select
        e.*,
        (
            select array_to_string(
                list_sort(list(distinct w.offer || format(' at {} USD', round(w.last_usd, 4)))), ' and '
            )
            from spans as w
            where w.question = e.question
                and w.constraint_set = e.constraint_set
                and w.won_to = e.moment
        ) as old,
        (
            select array_to_string(
                list_sort(list(distinct w.offer || format(' at {} USD', round(w.first_usd, 4)))), ' and '
            )
            from spans as w
            where w.question = e.question
                and w.constraint_set = e.constraint_set
                and w.won_from <= e.moment
                and coalesce(w.won_to > e.moment, true)
        ) as new,
        (
            select min(w.provider)
            from spans as w
            where w.question = e.question
                and w.constraint_set = e.constraint_set
                and w.won_from <= e.moment
                and coalesce(w.won_to > e.moment, true)
        ) as provider
    from ended as e
)

select
    md5(concat_ws('|', 'cheapest', r.rule, t.question, t.constraint_set, t.moment)) as event_id,
    'cheapest' as kind,
    r.rule,
    t.provider,
    t.question || ' under ' || t.constraint_set as subject,
    t.cause,
    t.old,
    t.new,
    null::double as change_pct,
    t.moment as began_at,
    t.moment as fires_at,
    t.source,
    p.url,
    p.capture_sha256,
    concat(
        'the cheapest for ',
        t.question,
        ' under ',
        t.constraint_set,
        ' is now ',
        coalesce(nullif(t.new, ''), 'nobody'),
        ', and was ',
        t.old,
        strftime(t.moment, ', since %Y-%m-%d: '),
        t.ended_by,
        ' ' || t.what,
        ' ',
        t.cause,
        ' from ' || t.old_value,
        ' to ' || t.new_value,
        '; ' || t.source || ' says so',
        ' at ' || p.url,
        ', capture ' || left(p.capture_sha256, 12)
    ) as says
from told as t
join alert_rules as r on t.question = r.question and t.constraint_set = r.constraints
left join price_changes as p on t.change_id = p.change_id
where coalesce(t.moment >= r.since, true)
order by fires_at, event_id
