-- one row is the last capture of a source that is believed, if any, and how far the log tells of it
select
    max_by(
        {
            capture_sha256: capture_sha256,
            looked_at: looked_at,
            parser_version: parser_version,
            quote_count: quote_count,
            term_count: term_count,
            is_dated: is_dated
        },
        (looked_at, position)
    ) filter (where outcome in ('read', 'unchanged')) as word,
    max(looked_at) as captured_at,
    (select max(valid_from) from facts where source = $source) as facts_until,
    -- whether what each fact was last said to be is there, in this engine's numbers
    coalesce(
        (select bool_and(made_by = version()) from latest where source = $source),
        not exists (from facts where source = $source)
    ) as is_latest_made
from looks
where source = $source and capture_sha256 is not null
