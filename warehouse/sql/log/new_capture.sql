-- one row is a capture that the warehouse did not know yet
select
    $capture_sha256 as capture_sha256,
    $source as source,
    $looked_at::timestamp as captured_at,
    $url as url,
    $media_type as media_type,
    $byte_count::bigint as byte_count
where not exists (
    from captures where capture_sha256 = $capture_sha256 and source = $source
)
