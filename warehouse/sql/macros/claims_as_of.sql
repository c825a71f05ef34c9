-- claims_as_of(as_of): one row is a tuned offer and a workload, and whether what is claimed of tuning in general holds for them
with claims as (
    select
        -- lmmarketcap.com/zh/fine-tuning, in a copy without a date
        'tuning pays back within the first month above 10,000 requests a month' as claim,
        'https://lmmarketcap.com/zh/fine-tuning' as url,
        10000::bigint as requests,
        1 as within_months
),

-- running cost is so much a month and so much a request, and the bills say both
at_so_many as (
    select
        c.*,
        b.* exclude (requests),
        b.tuned_standing_usd + c.requests * (b.tuned_usage_usd / b.requests) as tuned_usd,
        c.requests * (b.prompting_monthly_usd / b.requests) as prompting_usd,
        (b.prompting_monthly_usd - b.tuned_usage_usd) / b.requests as saving_per_request_usd
    from break_even_as_of(as_of) as b
    cross join claims as c
),

needed as (
    select
        *,
        case
            when verdict <> 'not_available' and saving_per_request_usd > 0
                then ceil(
                    round(
                        (upfront_usd / least(within_months, usable_months) + tuned_standing_usd)
                        / saving_per_request_usd,
                        6
                    )
                )::bigint
        end as claim_requests_needed
    from at_so_many
)

select
    claim,
    url,
    provider,
    model,
    base_model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier,
    workload,
    comparator,
    comparator_provider,
    comparator_model,
    requests,
    upfront_usd,
    tuned_usd::decimal(20, 8) as tuned_monthly_usd,
    prompting_usd::decimal(20, 8) as prompting_monthly_usd,
    case when prompting_usd > tuned_usd then upfront_usd / (prompting_usd - tuned_usd) end
        as months_to_break_even,
    case
        when verdict in ('not_available', 'unknown') then verdict
        when upfront_usd <= (prompting_usd - tuned_usd) * least(within_months, usable_months) and prompting_usd > tuned_usd
            then 'holds'
        else 'fails'
    end as outcome,
    claim_requests_needed as requests_needed,
    case
        when verdict in ('not_available', 'unknown') then reason
        when saving_per_request_usd <= 0
            then 'a request costs no less on the tuned model, so that no number of them pays it back'
        else format('it takes {} requests a month', claim_requests_needed)
    end as reason,
    expanded_from
from needed
