-- one row tells that another parser than today's read something of a source, or could not
select 1 from looks where source = $source and parser_version <> $parser_version limit 1
