-- one row is a channel that accepted nothing in several attempts over an hour
select
    channel,
    min(queued_at) as began_at,
    count(*) as waiting_count,
    arg_max(error, tried_at) as error
from deliveries
where state in ('queued', 'sending') and attempts >= 3 and error is not null
group by channel
having min(queued_at) <= $now - interval 1 hour
order by channel
