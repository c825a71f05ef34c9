-- one row is a rule that is asked now, since when it watches, and whether it was asked otherwise
select
    i.kind,
    i.rule,
    i.definition,
    coalesce(r.watches_from, $since::timestamp) as watches_from,
    coalesce(r.definition <> i.definition, false) as is_changed
from incoming_rules as i
left join rules as r on i.kind = r.kind and i.rule = r.rule
