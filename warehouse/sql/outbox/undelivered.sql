-- one row is a channel that did not take what was sent to it, with all that waits for it
select channel, count(*) as waiting_count, arg_max(error, tried_at) as error
from deliveries
where state in ('queued', 'sending')
group by channel
having max(attempts) > 0
order by channel
