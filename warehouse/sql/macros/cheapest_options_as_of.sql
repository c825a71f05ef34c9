-- cheapest_options_as_of(as_of): one row is one of the ten cheapest offers for one question under one set of constraints, ties included
with asked as (
    select
        c.*,
        q.question,
        q.value_usd
    from cost_comparison_as_of(as_of) as c,
        lateral (
            values
                ('training', c.training_usd),
                ('paid_training', nullif(c.training_usd, 0)),
                -- three tokens in for one out, the usual blend of the price comparisons
                ('tuned_inference', ((3 * c.input_usd + c.output_usd) / 4)::decimal(20, 8))
        ) as q (question, value_usd)
    where q.value_usd is not null
),

allowed as (
    select a.*, s.constraint_set
    from asked as a
    join (
        values ('available'), ('available_any_tier'), ('listed')
    ) as s (constraint_set)
        on (s.constraint_set = 'listed' or a.is_available)
        and (s.constraint_set = 'available_any_tier' or a.service_tier = 'standard')
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
