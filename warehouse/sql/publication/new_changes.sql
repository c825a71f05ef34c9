-- one row is a cause and how many changes the last publication did not have yet
select cause, count(*) as changes
from price_changes
where change_id not in (select change_id from read_parquet($last_changes))
group by cause
order by cause
