-- one row is the last capture of a source that is believed, and when it was captured last at all
select
    capture_sha256,
    looked_at,
    parser_version,
    quote_count,
    term_count,
    is_dated,
    (
        select max(looked_at) from looks where source = $source and capture_sha256 is not null
    ) as captured_at
from looks
where source = $source and outcome in ('read', 'unchanged')
order by looked_at desc, position desc
limit 1
