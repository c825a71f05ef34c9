-- one row is the time about which a capture is the one to ask, for one fact
--
-- A capture says what holds from its own time on, or from the dates that it states itself, until
-- the next capture of the source speaks. A source that dates its prices itself restates the past,
-- so there a later capture is asked from its first date on.
with next_capture as (
    select looked_at as speaks_at, capture_sha256
    from looks
    where source = $source and outcome in ('read', 'unchanged') and looked_at > $looked_at
    order by looked_at
    limit 1
),

listed_then as (
    select key
    from believed
    where valid_from <= $looked_at
    group by key
    having arg_max(says.is_listed, valid_from)
),

listed_next as (
    select key, min(valid_from) filter (says.is_listed) as since
    from believed
    where valid_from <= (select speaks_at from next_capture)
    group by key
    having arg_max(says.is_listed, valid_from)
)

select
    s.key,
    min(s.valid_from) as opens_at,
    if(
        bool_or(s.is_dated) and any_value(n.since) is not null,
        any_value(n.since),
        (select speaks_at from next_capture)
    ) as closes_at,
    (select capture_sha256 from next_capture) as closed_by
from stated as s
left join listed_next as n using (key)
group by s.key
union all
select
    key,
    $looked_at,
    (select speaks_at from next_capture),
    (select capture_sha256 from next_capture)
from listed_then
where key not in (select key from stated) and key not in (select key from set_aside)
