-- one row is a channel that did not take what was sent to it, with what waits to be tried again
select channel, count(*) as waiting_count, arg_max(error, tried_at) as error
from deliveries
where state in ('queued', 'sending') and attempts > 0
group by channel
order by channel
