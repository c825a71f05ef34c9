-- one row is a moment at which another offer became the cheapest, of those that a rule asks about
--
-- Silent where nothing but the first word of a source, a re-read, a capture loaded from a file, or
-- silence ended it. It fires when the change that ended it was known.
with known_changes as materialized (
    select change_id, valid_from, first_known_at, is_news from news($is_replay)
),

spans as materialized (
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
    from winner_history(
        -- what was accepted late began before
        (
            select greatest(
                least(min(valid_from) - interval 1 hour, $since::timestamp),
                $since::timestamp - interval 31 day
            )
            from known_changes
            where is_news and first_known_at >= $since::timestamp and not $is_replay
        ),
        (select built_at from build_info)
    )
),

ended as (
    select distinct on (s.question, s.constraint_set, s.won_to)
        s.question,
        s.constraint_set,
        s.won_to as moment,
        case when $is_replay then s.won_to else greatest(s.won_to, c.first_known_at) end as fires_at,
        s.cause,
        s.ended_by,
        s.meter,
        s.term,
        s.old_value,
        s.new_value,
        s.source,
        s.change_id
    from spans as s
    left join known_changes as c using (change_id)
    where s.won_to is not null
        and s.cause <> 'first_seen'
        -- a day that was known before it came is no change that a page tells
        and coalesce(c.is_news, $is_replay or s.known_at <= s.won_to)
    order by s.question, s.constraint_set, s.won_to, s.change_id nulls last, s.offer
),

told as (
    select
        e.*,
        (
            select list_sort(list(distinct {
                offer: w.offer,
                usd: rtrim(rtrim(round(w.last_usd, 4)::varchar, '0'), '.')
            }))
            from spans as w
            where w.question = e.question
                and w.constraint_set = e.constraint_set
                and w.won_to = e.moment
        ) as was,
        (
            select list_sort(list(distinct {
                offer: w.offer,
                usd: rtrim(rtrim(round(w.first_usd, 4)::varchar, '0'), '.')
            }))
            from spans as w
            where w.question = e.question
                and w.constraint_set = e.constraint_set
                and w.won_from <= e.moment
                and coalesce(w.won_to > e.moment, true)
        ) as is_now,
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
    false as is_first_load,
    false as is_pending,
    t.provider,
    t.question || ' under ' || t.constraint_set as subject,
    t.cause,
    array_to_string(list_transform(t.was, lambda w: w.offer || ' at ' || w.usd || ' USD'), ' and ') as old,
    array_to_string(list_transform(t.is_now, lambda w: w.offer || ' at ' || w.usd || ' USD'), ' and ') as new,
    t.moment as began_at,
    t.fires_at,
    t.source,
    p.url,
    p.capture_sha256,
    t.meter,
    t.term,
    p.pricing_currency,
    p.printed_text,
    p.last_seen_before_at,
    to_json({
        question: t.question,
        constraint_set: t.constraint_set,
        was: t.was,
        is_now: t.is_now,
        changed_model: t.ended_by,
        old_value: t.old_value,
        new_value: t.new_value,
        old_availability: p.old_availability,
        new_availability: p.new_availability,
        old_pricing_currency: p.old_pricing_currency,
        changed_pct: p.change_pct
    })::varchar as details
from told as t
join alert_rules as r on t.question = r.question and t.constraint_set = r.constraints
left join price_changes as p on t.change_id = p.change_id
where t.fires_at >= $since::timestamp and coalesce(t.moment >= r.since, true)
order by fires_at, event_id
