-- one row is the last capture of a source, at or before a time, that was believed
select capture_sha256, looked_at, parser_version, quote_count, term_count, is_dated
from looks
where source = $source and looked_at <= $looked_at and outcome in ('read', 'unchanged')
order by looked_at desc, position desc
limit 1
