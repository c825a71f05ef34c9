-- winner_changes(before_at, after_at): one row is an offer that is the cheapest at one of two instants and not at the other, and one change that made it so
with options as (
    select
        w.is_after,
        row(
            question, constraint_set, provider, model, tuning_method, adapter, service_tier, region, context_tier
        ) as asked,
        w.* exclude (is_after)
    from (
        select false as is_after, * from cheapest_options_as_of(before_at)
        union all by name
        select true as is_after, * from cheapest_options_as_of(after_at)
    ) as w
),

-- the cheapest of one instant that is not the cheapest of the other, and what it costs there
moved as (
    select
        case when w.is_after then 'won' else 'lost' end as what,
        w.*,
        o.value_usd as other_usd
    from options as w
    left join options as o on w.asked = o.asked and w.is_after <> o.is_after
    where w.rank = 1 and coalesce(o.rank > 1, true)
),

ended as (
    select
        row(provider, model, tuning_method, adapter, service_tier, region, context_tier) as offer,
        coalesce(
            'shut down on ' || case when shutdown_on <= after_at::date then shutdown_on end,
            'no training after '
            || case when last_training_on < after_at::date then last_training_on end
        ) as ending
    from cost_comparison_as_of(after_at)
    where not is_available
)

select
    m.question,
    m.constraint_set,
    m.what,
    m.provider,
    m.model,
    m.base_model,
    m.tuning_method,
    m.adapter,
    m.service_tier,
    m.region,
    m.context_tier,
    m.value_usd as cheapest_usd,
    m.other_usd,
    coalesce(p.cause, case when e.ending is not null then 'lifecycle' end) as cause,
    p.change_id,
    p.meter,
    p.term,
    coalesce(p.old_value, p.old_availability) as old_value,
    coalesce(p.new_value, p.new_availability, e.ending) as new_value,
    p.valid_from as changed_at,
    p.source
from moved as m
left join ended as e
    on m.what = 'lost'
    and e.offer
    = row(m.provider, m.model, m.tuning_method, m.adapter, m.service_tier, m.region, m.context_tier)
left join price_changes as p
    on m.provider = p.provider
    and p.model in (m.model, m.expanded_from, '*')
    and p.tuning_method in (m.tuning_method, 'unknown')
    and (p.term is not null or p.service_tier = m.service_tier)
    and (p.term is not null or p.adapter in (m.adapter, 'unknown') or m.adapter = 'unknown')
    and (p.meter in ('training_tokens', 'training_hours')) is not distinct from
        case when p.term is null then m.question <> 'tuned_inference' end
    and p.valid_from > before_at::timestamp
    and p.valid_from <= after_at::timestamp
    and p.cause <> 'correction'
order by m.question, m.constraint_set, m.what, m.provider, m.model, changed_at, p.change_id
