-- one row is a look and what became of it
select
    $position::bigint as position,
    $source as source,
    $looked_at::timestamp as looked_at,
    $known_at::timestamp as known_at,
    $outcome as outcome,
    $capture_sha256 as capture_sha256,
    $url as url,
    $byte_count::bigint as byte_count,
    $error as error,
    $parser_version::integer as parser_version,
    $quote_count::bigint as quote_count,
    $term_count::bigint as term_count,
    $is_dated::boolean as is_dated,
    $etag as etag,
    $last_modified as last_modified,
    $robots as robots
