-- break_even_as_of(as_of): one row is a tuned offer against prompting for one workload: what each costs, and whether tuning pays back in time
with prompting as materialized (
    from prompting_bills_as_of(as_of)
),

-- who sells the base model for the least, where the seller of the tuned one does not
elsewhere as (
    select distinct on (workload, model) *
    from prompting
    where not is_free
    order by workload, model, monthly_usd, provider
),

-- the cheapest of the models that the user says would do
alternatives as (
    select distinct on (w.workload)
        w.workload,
        p.provider,
        coalesce(p.model, w.spelled) as model,
        p.monthly_usd
    from (
        select
            workload,
            regexp_replace(lower(unnest(alternatives)), '[\s_]+', '-', 'g') as spelled
        from workloads
    ) as w
    left join model_names as n on w.spelled = n.name
    left join prompting as p
        on w.workload = p.workload and p.model = coalesce(n.model, w.spelled) and not p.is_free
    order by w.workload, p.monthly_usd nulls last, p.provider, w.spelled
),

comparators as (
    select workload, 'base_model' as comparator from workloads
    union all
    select workload, 'alternative' as comparator from alternatives
),

compared as (
    select
        b.*,
        c.comparator,
        coalesce(a.provider, p.provider, e.provider) as comparator_provider,
        coalesce(a.model, b.base_model) as comparator_model,
        case
            when c.comparator = 'alternative' then a.monthly_usd
            else coalesce(p.monthly_usd, e.monthly_usd)
        end as prompting_monthly_usd
    from bills_as_of(as_of) as b
    join comparators as c on b.workload = c.workload
    left join alternatives as a on c.comparator = 'alternative' and b.workload = a.workload
    left join prompting as p
        on c.comparator = 'base_model'
        and b.workload = p.workload
        and b.base_model = p.model
        and b.provider = p.provider
    left join elsewhere as e
        on c.comparator = 'base_model' and b.workload = e.workload and b.base_model = e.model
),

saved as (
    select
        *,
        case
            when unavailable is not null then 'not_available'
            when unknown is not null or prompting_monthly_usd is null then 'unknown'
            when prompting_monthly_usd <= tuned_monthly_usd then 'never'
            when upfront_usd <= (prompting_monthly_usd - tuned_monthly_usd) * usable_months then 'pays_back'
            else 'too_late'
        end as verdict,
        case
            when unavailable is null and unknown is null
                then prompting_monthly_usd - tuned_monthly_usd
        end as saving_usd,
        -- what a request costs less, and what must be covered however many there are
        prompting_monthly_usd - tuned_usage_usd as usage_saving_usd,
        upfront_usd / usable_months + tuned_standing_usd as to_cover_usd
    from compared
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
    workload,
    requests,
    comparator,
    comparator_provider,
    comparator_model,
    upfront_usd,
    tuned_standing_usd,
    tuned_usage_usd,
    tuned_monthly_usd,
    prompting_monthly_usd,
    case when saving_usd > 0 then upfront_usd / saving_usd end as months_to_break_even,
    usable_months,
    case
        when unavailable is null and usage_saving_usd > 0
            then ceil(round(requests * (to_cover_usd / usage_saving_usd), 6))::bigint
    end as requests_needed,
    (round(saving_usd * usable_months, 8) - upfront_usd)::decimal(20, 8) as horizon_saving_usd,
    verdict,
    concat(
        case verdict
            when 'not_available' then unavailable
            when 'unknown' then 'not known: ' || concat_ws(
                ', ',
                unknown,
                case
                    when prompting_monthly_usd is null
                        then 'price of prompting ' || comparator_model
                end
            )
            when 'never' then
                format('running it costs {:.2f} USD a month, ', tuned_monthly_usd::double)
                || format('prompting {} at {} ', comparator_model, comparator_provider)
                || format('{:.2f}', prompting_monthly_usd::double)
            else format('pays back after {:.1f} months', (upfront_usd / saving_usd)::double)
        end,
        case
            when verdict = 'pays_back' then format(
                ' and saves {:.2f} USD in {:.1f}',
                (saving_usd * usable_months - upfront_usd)::double,
                usable_months::double
            )
            when verdict <> 'too_late' then null
            when usable_months = horizon_months then format(', the horizon is {}', horizon_months)
            when usable_months = ((shutdown_on - asked_on) * 12 / 365)::decimal(10, 6)
                then format(
                    ', but is shut down on {}, in {:.1f}', shutdown_on, usable_months::double
                )
            else format(
                ', but can be trained for the last time on {} and serves {:.1f}',
                last_training_on,
                usable_months::double
            )
        end,
        case
            when verdict in ('pays_back', 'too_late', 'never')
                then '; not sold to new customers since ' || closed_to_new_customers_on
        end
    ) as reason,
    expanded_from,
    canonical_model
from saved
