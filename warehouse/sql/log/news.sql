-- one row is what a capture that is the last word of its source adds to the log
select
    $position::bigint as position,
    $source as source,
    * exclude (subject, says, position)
    replace (
        $looked_at::timestamp as valid_from,
        coalesce(
            key,
            fact_key(
                provider, model, tuning_method, adapter, service_tier, region, context_tier, meter,
                term, price_list
            )
        ) as key
    ),
    $known_at::timestamp as known_at,
    $capture_sha256 as capture_sha256,
    $parser_version::integer as parser_version
from moved
where is_listed
union all by name
select
    $position::bigint as position,
    $source as source,
    f.key,
    f.provider,
    f.model,
    f.tuning_method,
    f.adapter,
    f.service_tier,
    f.region,
    f.context_tier,
    f.meter,
    f.price_list,
    f.term,
    $looked_at::timestamp as valid_from,
    $known_at::timestamp as known_at,
    false as is_listed,
    $capture_sha256 as capture_sha256,
    $parser_version::integer as parser_version
from facts as f
join moved as m
    on not m.is_listed
    and f.key = m.key
    and f.position = m.position
    and f.valid_from = m.valid_from
where f.source = $source
order by key
