-- one row is what a training job costs on one tuned offer, the cheapest first, and whether its examples are enough
select
    provider,
    coalesce(expanded_from || ' as ', '') || model as model,
    concat_ws(
        ' ',
        tuning_method,
        nullif(adapter, 'unknown'),
        nullif(service_tier, 'standard'),
        region,
        context_tier
    ) as method,
    round(upfront_usd, 2) as training_usd,
    coalesce(
        unavailable,
        'not known: ' || unknown_training,
        case when closed_to_new_customers_on is not null then
            'not sold to new customers since ' || closed_to_new_customers_on
        end,
        'yes'
    ) as can_be_trained,
    case when not is_trained_by_the_hour then billed_tokens end as billed_tokens,
    file_tokens,
    tokenizer
from bills_as_of(as_of)
where ($provider::varchar is null or provider = $provider)
    -- what only runs in batches is trained as its standard tier is
    and service_tier <> 'batch'
-- of several regions, tiers, and models of a size bracket the cheapest that can be had
qualify $everything or row_number() over (
    partition by provider, coalesce(expanded_from, canonical_model), tuning_method, adapter
    order by unavailable is not null, upfront_usd, region, model, context_tier
) = 1
order by
    unavailable is not null or upfront_usd is null,
    upfront_usd,
    provider,
    model,
    method
