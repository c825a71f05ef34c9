-- comparison_facts_as_of(as_of): one row is the fact behind one figure of the cost comparison, with its evidence
with prices as materialized (
    select *
    from prices_as_of(as_of, timestamp 'infinity')
    where is_preferred
),

trained as (
    select distinct
        provider,
        model,
        canonical_model,
        base_model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier
    from prices
    where meter in ('training_tokens', 'training_hours') and tuning_method <> 'none'
),

-- a size bracket stands for the open models that fall into it
brackets as (
    select
        *,
        regexp_extract(
            model, '^(?:up to (\d+(?:\.\d+)?)B|(\d+(?:\.\d+)?)B-(\d+(?:\.\d+)?)B|over (\d+(?:\.\d+)?)B)$',
            ['up_to', 'low', 'high', 'over']
        ) as size
    from trained
    where model similar to '(up to|over) [0-9.]+B|[0-9.]+B-[0-9.]+B'
),

expanded as (
    select
        b.provider,
        m.model,
        m.model as canonical_model,
        m.base_model,
        b.tuning_method,
        b.adapter,
        b.service_tier,
        b.region,
        b.context_tier,
        b.model as expanded_from
    from brackets as b
    join models as m
        on m.open_weights
        and case
            when b.size.up_to <> '' then m.parameters_b <= b.size.up_to::decimal(10, 3)
            when b.size.over <> '' then m.parameters_b > b.size.over::decimal(10, 3)
            else m.parameters_b between b.size.low::decimal(10, 3) and b.size.high::decimal(10, 3)
        end
    -- DuckDB 1.5 takes no `not exists` into a lateral join
    left join trained as t
        on t.provider = b.provider
        and t.canonical_model = m.model
        and t.tuning_method = b.tuning_method
        and t.adapter = b.adapter
    where t.provider is null
),

offers as (
    select *, null::varchar as expanded_from
    from trained
    where model not in (select model from brackets)
    union all by name
    select * from expanded
),

-- inference in other service tiers of a model that is trained once, for all of them
tiered as (
    select * from offers
    union by name
    select o.* replace (p.service_tier as service_tier)
    from offers as o
    join prices as p
        on o.provider = p.provider
        and o.canonical_model = p.canonical_model
        and p.tuning_method <> 'none'
        and p.tuning_method in (o.tuning_method, 'unknown')
        and p.adapter in (o.adapter, 'unknown')
        and p.meter in ('input_tokens', 'output_tokens')
    left join offers as x
        on x.provider = o.provider
        and x.canonical_model = o.canonical_model
        and x.service_tier = p.service_tier
    where o.service_tier = 'standard' and x.provider is null
),

candidates as (
    select
        o.*,
        case
            when p.tuning_method = 'none' and p.meter = 'input_tokens' then 'base_input'
            when p.tuning_method = 'none' and p.meter = 'output_tokens' then 'base_output'
            when p.tuning_method = 'none' then null
            else p.meter
        end as figure,
        p.model as priced_model,
        p.meter,
        p.* exclude (
            provider,
            model,
            base_model,
            tuning_method,
            adapter,
            service_tier,
            region,
            context_tier,
            meter,
            canonical_model,
            is_preferred
        ),
        struct_pack(
            is_same_model := p.canonical_model in (o.canonical_model, o.base_model),
            is_same_tier := p.service_tier = o.service_tier,
            is_trusted := p.is_trusted,
            rank := case when p.is_trusted then -p.source_rank else 0 end,
            confirmed_at := case when p.is_trusted then null else p.confirmed_at end,
            is_same_method := p.tuning_method = o.tuning_method and p.adapter = o.adapter,
            is_same_region := p.region is not distinct from o.region,
            is_same_context := p.context_tier is not distinct from o.context_tier,
            is_any_context := p.context_tier is null,
            -- of several context tiers the one for the shortest prompts
            context := -coalesce(try_cast(regexp_extract(p.context_tier, '\d+') as integer), 0)
        ) as fit
    from tiered as o
    join prices as p
        on o.provider = p.provider
        and case
            when p.tuning_method = 'none'
                then p.canonical_model = o.base_model
            when p.meter in ('training_tokens', 'training_hours')
                then p.model in (o.model, o.expanded_from)
                and p.tuning_method = o.tuning_method
                and p.adapter = o.adapter
                and p.region is not distinct from o.region
                and p.context_tier is not distinct from o.context_tier
            else
                (p.canonical_model = o.canonical_model or p.model in (o.expanded_from, '*'))
                and (p.tuning_method in (o.tuning_method, 'unknown') or o.tuning_method = 'unknown')
                and (p.adapter in (o.adapter, 'unknown') or o.adapter = 'unknown')
        end
        and (p.region is null or o.region is null or p.region = o.region)
        and (
            p.service_tier = o.service_tier
            or (p.service_tier = 'standard' and p.meter not in ('input_tokens', 'cached_input_tokens', 'output_tokens'))
        )
)

select * exclude (fit)
from candidates
where figure is not null
qualify row_number() over (
    partition by
        provider,
        canonical_model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier,
        figure
    order by fit desc, source, length(priced_model), priced_model, meter, locator
) = 1
