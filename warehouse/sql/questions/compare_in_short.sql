-- one row is one offer in its standard tier and main region, or one size bracket with the number of models in it
with listed as (
    select *
    from cost_comparison
    where service_tier = 'standard' and ($provider::varchar is null or provider = $provider)
    -- of several regions the one for everywhere, then a seller's widest, then the cheapest
    qualify row_number() over (
        partition by
            provider,
            canonical_model,
            tuning_method,
            adapter,
            context_tier,
            expanded_from
        order by
            region is null desc,
            region = 'global' desc,
            region in ('data zone', 'regional') desc,
            coalesce(training_usd, training_hour_usd),
            region
    ) = 1
)

select
    provider,
    if(
        expanded_from is null,
        any_value(model),
        expanded_from || ' (' || count(*) || ' models)'
    ) as model,
    concat_ws(
        ' ', tuning_method, nullif(adapter, 'unknown'), region, context_tier
    ) as method,
    case any_value(training_availability)
        when 'priced' then concat_ws(
            ' ',
            coalesce(
                printf('%.2f', any_value(training_usd)),
                printf('%.2f', any_value(training_hour_usd)) || '/h'
            ),
            '(' || nullif(any_value(pricing_currency), 'USD') || ')'
        )
        else any_value(training_availability)
    end as training,
    if(expanded_from is null, round(any_value(input_usd), 4), null) as input,
    if(expanded_from is null, round(any_value(output_usd), 4), null) as output,
    concat_ws(
        ', ',
        printf('%.2f', any_value(hosting_hour_usd)) || '/h',
        printf('%.2f', any_value(storage_month_usd)) || '/month',
        'min ' || printf('%.2f', nullif(any_value(job_minimum_usd), 0))
    ) as other_fees,
    any_value(min_examples) as examples,
    case
        when any_value(shutdown_on) <= any_value(b.built_at)::date
            then 'shut down ' || any_value(shutdown_on)
        when any_value(last_training_on) < any_value(b.built_at)::date
            then 'no training since ' || any_value(last_training_on)
        when bool_or(is_available)
            then concat_ws(
                ', ',
                coalesce(
                    'training until ' || least(any_value(last_training_on), any_value(shutdown_on)),
                    'on sale'
                ),
                'not to new customers since ' || any_value(closed_to_new_customers_on)
            )
        else 'not for sale'
    end as availability,
    min(oldest_confirmed_at)::date as confirmed,
    any_value(sources) as sources
from listed
cross join build_info as b
group by
    provider,
    tuning_method,
    adapter,
    region,
    context_tier,
    expanded_from,
    if(expanded_from is null, model, null)
order by provider, expanded_from is not null, model, method
