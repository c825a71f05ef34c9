-- one row is a rule that says nothing now
select kind, rule, max(until) as until
from mutes
where until > $now
group by kind, rule
