-- market_summary_as_of(as_of): one row is the headline figures of the whole market, or of what one source alone says
with said as (
    select
        source as scope,
        provider,
        model,
        availability,
        case when meter = 'training_tokens' then unit_price_usd end as training_usd
    from prices_as_of(as_of, timestamp 'infinity')
    where meter in ('training_tokens', 'training_hours')
    union all
    select
        'all',
        provider,
        coalesce(expanded_from, model),
        training_availability,
        training_usd
    from cost_comparison_as_of(as_of)
    where is_available
),

compared as (
    select scope, count(distinct (provider, model)) as models_compared
    from said
    group by scope
),

paid as (
    select distinct scope, provider, model, training_usd
    from said
    where availability = 'priced' and training_usd is not null
    qualify training_usd = min(training_usd) over (partition by scope)
),

free as (
    select distinct scope, provider, model from said where availability = 'free'
)

select
    c.scope,
    c.models_compared::integer as models_compared,
    (select min(p.training_usd) from paid as p where p.scope = c.scope)
        as cheapest_paid_training_usd,
    (
        select string_agg(p.provider || ' ' || p.model, '; ' order by p.provider, p.model)
        from paid as p
        where p.scope = c.scope
    ) as cheapest_paid_training,
    (select count(*) from free as f where f.scope = c.scope)::integer as free_training_count,
    (
        select string_agg(f.provider || ' ' || f.model, '; ' order by f.provider, f.model)
        from free as f
        where f.scope = c.scope
    ) as free_training
from compared as c
order by c.scope <> 'all', c.scope
