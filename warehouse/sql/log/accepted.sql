-- one row is a doubt about a source that a person's last word on it accepted
select fingerprint
from decisions
where source = $source
group by fingerprint
having arg_max(verdict, position) = 'accepted'
