-- one row is what an event means for one workload: what tuning costs, and whether it pays back, before and since
--
-- Of the offers that the event is about it is the one that costs the least a month, on the standard
-- tier where there is one. Silent where nothing is known, or nothing differs; a moment that has no
-- before asks for what holds at it.
with moments as (
    select distinct moment, has_before
    from alert_events
),

sides as materialized (
    select m.moment, m.has_before, true as is_after, b.*
    from moments as m,
        lateral (select * from break_even_as_of(m.moment)) as b
    where b.comparator = 'base_model'
    union all
    select m.moment, m.has_before, false as is_after, b.*
    from moments as m,
        lateral (select * from break_even_as_of(m.moment - interval 1 microsecond)) as b
    where m.has_before and b.comparator = 'base_model'
),

meant as (
    select
        e.event_id,
        a.provider,
        a.model,
        a.tuning_method,
        a.adapter,
        a.service_tier,
        a.region,
        a.context_tier,
        a.workload,
        a.tuned_monthly_usd,
        b.tuned_monthly_usd as tuned_monthly_before_usd,
        a.prompting_monthly_usd,
        b.prompting_monthly_usd as prompting_monthly_before_usd,
        a.upfront_usd,
        b.upfront_usd as upfront_before_usd,
        a.months_to_break_even,
        b.months_to_break_even as months_before,
        a.verdict,
        b.verdict as verdict_before,
        e.has_before
    from alert_events as e
    join sides as a
        on a.is_after
        and e.moment = a.moment
        and e.has_before = a.has_before
        and e.provider = a.provider
        -- what its base costs is news to a tuned model, too
        and case
            when e.tuning_method = 'none' then e.canonical_model = a.base_model
            else e.model in (a.model, a.expanded_from) or e.canonical_model = a.canonical_model
        end
        and coalesce(nullif(nullif(e.tuning_method, 'none'), 'unknown'), a.tuning_method) = a.tuning_method
        and coalesce(nullif(e.adapter, 'unknown'), a.adapter) is not distinct from a.adapter
    left join sides as b
        on not b.is_after
        and a.moment = b.moment
        and a.workload = b.workload
        and a.provider = b.provider
        and a.model = b.model
        and a.tuning_method = b.tuning_method
        and a.adapter is not distinct from b.adapter
        and a.service_tier = b.service_tier
        and a.region is not distinct from b.region
        and a.context_tier is not distinct from b.context_tier
    where (a.verdict <> 'unknown' or b.verdict <> 'unknown')
        and (
            not e.has_before
            or (a.tuned_monthly_usd, a.prompting_monthly_usd, a.upfront_usd, a.verdict)
            is distinct from
            (b.tuned_monthly_usd, b.prompting_monthly_usd, b.upfront_usd, b.verdict)
        )
)

select distinct on (event_id, workload) *
from meant
order by
    event_id,
    workload,
    service_tier = 'standard' desc,
    tuned_monthly_usd nulls last,
    upfront_usd nulls last,
    model,
    tuning_method,
    adapter,
    service_tier,
    region,
    context_tier
