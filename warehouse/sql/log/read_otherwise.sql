-- one row tells that something of a source was read by another parser than today's
select 1
from looks
where source = $source
    and outcome in ('read', 'unchanged')
    and parser_version <> $parser_version
limit 1
