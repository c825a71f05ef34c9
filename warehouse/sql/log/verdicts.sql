-- one row is a person's last word on a doubt about a source, or on a capture of it as a whole
select fingerprint, arg_max({verdict: verdict, reason: reason}, position) as decision
from decisions
where source = $source
group by fingerprint
