-- cheapest_options_as_of(as_of): one row is one of the ten cheapest offers for one question under one set of constraints, ties included
with asked as (
    select
        c.*,
        q.question,
        q.value_usd,
        null::varchar as workload,
        null::decimal(20, 8) as upfront_usd,
        true as is_served_throughout
    from cost_comparison_as_of(as_of) as c,
        lateral (
            values
                ('training', c.training_usd),
                ('paid_training', nullif(c.training_usd, 0)),
                -- three tokens in for one out, the usual blend of the price comparisons
                ('tuned_inference', ((3 * c.input_usd + c.output_usd) / 4)::decimal(20, 8))
        ) as q (question, value_usd)
    where q.value_usd is not null
    union all by name
    select
        b.*,
        'workload:' || b.workload as question,
        (b.upfront_usd + b.horizon_months * b.tuned_monthly_usd)::decimal(20, 8) as value_usd,
        b.usable_months = b.horizon_months and b.unavailable is null as is_served_throughout
    from bills_as_of(as_of) as b
    where b.tuned_monthly_usd is not null
),

allowed as (
    select a.*, s.constraint_set
    from asked as a
    join constraint_sets as s
        on (s.is_on_sale is not true or (a.is_available and a.is_served_throughout))
        and (s.is_standard_tier is not true or a.service_tier = 'standard')
        and (s.hosting is null or a.hosting in (s.hosting, 'both'))
        and (s.weights_exportable is null or a.weights_exportable = s.weights_exportable)
        and (s.providers is null or list_contains(s.providers, a.provider))
        and (s.regions is null or list_contains(s.regions, a.region))
        and (s.max_upfront_usd is null or a.workload is null or a.upfront_usd <= s.max_upfront_usd)
        and (s.available_until is null or a.shutdown_on is null or a.shutdown_on > s.available_until)
),

ranked as (
    select
        *,
        dense_rank() over asking as rank,
        min(value_usd) over (partition by question, constraint_set) as cheapest_usd
    from allowed
    window asking as (partition by question, constraint_set order by value_usd)
)

select
    provider,
    model,
    base_model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier,
    question,
    constraint_set,
    rank::integer as rank,
    value_usd,
    case when cheapest_usd <> 0 then round(100.0 * (value_usd / cheapest_usd - 1), 2) end as gap_pct,
    workload,
    upfront_usd,
    expanded_from,
    sources
from ranked
where rank <= 10
order by
    question,
    constraint_set,
    rank,
    provider,
    model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier
