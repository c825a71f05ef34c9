-- one row is a tuned offer against prompting for a workload, those that pay back first at the top
select
    workload,
    provider,
    coalesce(expanded_from || ' as ', '') || model as model,
    concat_ws(
        ' ', tuning_method, nullif(adapter, 'unknown'), nullif(service_tier, 'standard'), region, context_tier
    ) as method,
    comparator_model || coalesce(' at ' || comparator_provider, '') as instead_of,
    round(upfront_usd, 2) as upfront_usd,
    round(tuned_monthly_usd, 2) as tuned_monthly_usd,
    round(prompting_monthly_usd, 2) as prompting_monthly_usd,
    round(months_to_break_even, 2) as months_to_break_even,
    requests_needed,
    round(horizon_saving_usd, 2) as horizon_saving_usd,
    verdict,
    reason
from break_even_as_of(as_of) as b
where ($workload::varchar is null or workload = $workload)
    and ($provider::varchar is null or provider = $provider)
    and ($verdict::varchar is null or verdict = $verdict)
    and ($comparator::varchar is null or comparator = $comparator)
    and (
        $model::varchar is null
        or model ilike $model
        or canonical_model ilike $model
        or expanded_from ilike $model
    )
-- of several regions, tiers, and models of a size bracket the one that saves most speaks for all
qualify $everything or row_number() over (
    partition by
        workload,
        comparator,
        provider,
        coalesce(expanded_from, canonical_model),
        tuning_method,
        adapter
    order by
        array_position(['pays_back', 'too_late', 'never', 'unknown', 'not_available'], verdict),
        b.horizon_saving_usd desc nulls last,
        region,
        model,
        context_tier
) = 1
order by
    workload,
    comparator desc,
    array_position(['pays_back', 'too_late', 'never', 'unknown', 'not_available'], verdict),
    b.horizon_saving_usd desc nulls last,
    provider,
    model,
    method
