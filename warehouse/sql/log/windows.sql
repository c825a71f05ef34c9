-- one row is the time about which a capture is the one to ask, for one fact
--
-- A capture says what holds from its own time on, or from the dates that it states itself, until
-- the next capture of the source speaks. What it leaves out is no longer listed, and no longer
-- announced. (Where a later capture restates the past, the whole story is told anew instead.)
with next_capture as (
    select looked_at as speaks_at, capture_sha256
    from looks
    where source = $source and outcome in ('read', 'unchanged') and looked_at > $looked_at
    order by looked_at
    limit 1
),

listed_until_then as (
    select key
    from believed
    where valid_from < coalesce((select speaks_at from next_capture), 'infinity'::timestamp)
    group by key
    having coalesce(
        arg_max(says.is_listed, valid_from) filter (valid_from <= $looked_at),
        false
    ) or bool_or(says.is_listed and valid_from > $looked_at)
)

select
    key,
    min(valid_from) as opens_at,
    (select speaks_at from next_capture) as closes_at,
    (select capture_sha256 from next_capture) as closed_by
from stated
group by key
union all
select
    key,
    $looked_at,
    (select speaks_at from next_capture),
    (select capture_sha256 from next_capture)
from listed_until_then
where key not in (select key from stated) and key not in (select key from set_aside)
