-- one row is what comes out for one workload: each tuned offer's verdict, and which tuned offer is the cheapest
select
    workload,
    concat_ws(
        ' ',
        provider,
        coalesce(expanded_from || ' as ', '') || model,
        tuning_method,
        nullif(adapter, 'unknown'),
        nullif(service_tier, 'standard'),
        region,
        context_tier
    ) as subject,
    verdict as outcome
from break_even_as_of(as_of)
where comparator = $comparator
    and verdict in ('pays_back', 'too_late', 'never')
    and ($provider::varchar is null or provider = $provider)
    and (
        $model::varchar is null
        or model ilike $model
        or canonical_model ilike $model
        or expanded_from ilike $model
    )
union all
select
    workload,
    'the cheapest tuned offer' as subject,
    string_agg(
        distinct concat_ws(' ', provider, model, tuning_method, nullif(adapter, 'unknown')), '; '
        order by concat_ws(' ', provider, model, tuning_method, nullif(adapter, 'unknown'))
    ) as outcome
from cheapest_options_as_of(as_of)
where workload is not null and constraint_set = 'available' and rank = 1
group by workload
