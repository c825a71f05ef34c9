-- one row is a change point that is added to the log of a source
--
-- Within its window the log is made to say what was stated; at the window's end it is made to
-- say again what it said before. A row is added only where the log would otherwise say something
-- else.
with not_listed as (
    select {
        is_listed: false,
        availability: null::varchar,
        list_unit_price: null::decimal(38, 18),
        pricing_unit: null::varchar,
        pricing_currency: null::varchar,
        unit_price: null::decimal(38, 18),
        value: null::varchar,
        checked_at: null::timestamp
    } as says
),

moments as (
    select key, opens_at as valid_from, false as is_end, null::varchar as closed_by
    from windows
    where closes_at is null or opens_at < closes_at
    union
    select w.key, p.valid_from, false, null
    from windows as w
    join (select key, valid_from from stated union all select key, valid_from from believed) as p
        using (key)
    where p.valid_from > w.opens_at and (w.closes_at is null or p.valid_from < w.closes_at)
    union
    select key, closes_at, true, closed_by
    from windows
    where opens_at < closes_at
),

compared as (
    select
        m.key,
        m.valid_from,
        m.is_end,
        m.closed_by,
        coalesce(s.subject, b.subject) as subject,
        s.says as stated_says,
        s.evidence as stated_evidence,
        b.says as believed_says,
        b.evidence as believed_evidence,
        b.valid_from is not distinct from m.valid_from as is_exact
    from moments as m
    asof left join stated as s on m.key = s.key and m.valid_from >= s.valid_from
    asof left join believed as b on m.key = b.key and m.valid_from >= b.valid_from
),

wanted as (
    select
        key,
        valid_from,
        subject,
        is_exact,
        believed_says,
        coalesce(
            if(is_end, believed_says, stated_says),
            (select says from not_listed)
        ) as says,
        coalesce(
            if(is_end, believed_evidence, stated_evidence),
            {
                capture_sha256: if(is_end, closed_by, $capture_sha256),
                locator: null::varchar,
                printed_text: null::varchar,
                url: null::varchar,
                remark: null::varchar,
                parser_version: $parser_version::integer
            }
        ) as evidence
    from compared
)

select
    $position::bigint as position,
    $source as source,
    key,
    unnest(subject),
    valid_from,
    $known_at::timestamp as known_at,
    unnest(says),
    unnest(evidence),
    believed_says
from wanted
window sequence as (partition by key order by valid_from)
qualify says is distinct from if(
    is_exact or lag(says) over sequence is null,
    coalesce(believed_says, (select says from not_listed)),
    lag(says) over sequence
)
order by key, valid_from
