-- bills_as_of(as_of): one row is what one workload costs on one tuned offer: the training job, and a month of running the result
with compared as materialized (
    from cost_comparison_as_of(as_of)
),

offers as (
    select
        c.*,
        r.validation_times,
        r.rounding_tokens,
        r.is_padded,
        m.tokenizer,
        k.answers as answers_with,
        b.input_usd as batch_input_usd,
        b.cached_input_usd as batch_cached_input_usd,
        b.output_usd as batch_output_usd,
        -- a meter per hour beside one per token is the older of the two
        c.training_usd is null and c.training_hour_usd is not null as is_trained_by_the_hour,
        -- where only the deployment is priced, it serves all that is asked
        c.input_usd is null and c.output_usd is null and c.hosting_hour_usd is not null
            as is_served_by_the_hour,
        case
            when coalesce(c.training_usd, c.training_hour_usd) is null then concat(
                'training price',
                ' in USD (no rate for ' || nullif(c.pricing_currency, 'USD') || ')'
            )
            when r.rule is null then 'what "' || c.billed_tokens_rule || '" means'
        end as unknown_rule,
        case
            when c.input_usd is null and c.output_usd is null and c.hosting_hour_usd is null
                then 'price of running the tuned model'
            when c.input_usd is null and c.output_usd is not null then 'tuned input price'
            when c.output_usd is null and c.input_usd is not null then 'tuned output price'
        end as unknown_running
    from compared as c
    left join compared as b
        on b.service_tier = 'batch'
        and c.service_tier = 'standard'
        and c.provider = b.provider
        and c.canonical_model = b.canonical_model
        and c.model = b.model
        and c.tuning_method = b.tuning_method
        and c.adapter = b.adapter
        and c.region is not distinct from b.region
        and c.context_tier is not distinct from b.context_tier
    left join billing_rules as r on r.rule = coalesce(c.billed_tokens_rule, 'train x epochs')
    left join models as m on c.base_model = m.model
    left join models as k on c.canonical_model = k.model
),

jobs as (
    select
        o.*,
        w.* exclude (alternatives, training_tokens),
        -- a file has as many tokens as the model's own tokenizer finds in it
        coalesce(t.training_tokens, w.training_tokens) as file_tokens,
        (
            case
                when o.is_padded and not w.is_packed then w.examples * w.max_sequence_tokens
                else file_tokens
            end
            * w.epochs
            + w.validation_tokens * case o.validation_times
                when 'none' then 0
                when 'once' then 1
                when 'evaluations' then w.evaluations
                when 'epochs' then w.epochs
            end
        ) as raw_tokens
    from offers as o
    cross join monthly_tokens() as w
    left join workload_tokens as t
        on w.workload = t.workload and o.tokenizer = t.tokenizer
),

billed as (
    select
        *,
        ((raw_tokens + rounding_tokens - 1) // rounding_tokens * rounding_tokens) as billed_tokens,
        coalesce(
            unknown_rule,
            case
                when is_trained_by_the_hour and training_hours is null
                    then 'hours that the training takes (training_hours)'
                when is_padded and not is_packed and max_sequence_tokens is null
                    then 'length that examples are padded to (max_sequence_tokens)'
            end
        ) as unknown_training,
        nullif(concat_ws(', ', unknown_training, unknown_running), '') as unknown
    from jobs
),

totals as (
    select
        *,
        case
            when is_trained_by_the_hour then round(training_hours * training_hour_usd, 8)
            else round((billed_tokens * 0.000001) * training_usd, 8)
        end::decimal(20, 8) as training_fee_usd,
        -- a deployment that is paid by the hour serves whatever is asked of it, and what has no
        -- price in batches is not sold in batches
        case
            when is_served_by_the_hour then 0
            else round(
                fresh_after * input_usd
                + cached_after * coalesce(cached_input_usd, input_usd)
                + completions * output_usd
                + batch_fresh_after * coalesce(batch_input_usd, input_usd)
                + batch_cached_after
                * coalesce(batch_cached_input_usd, batch_input_usd, cached_input_usd, input_usd)
                + batch_completions * coalesce(batch_output_usd, output_usd),
                8
            )
        end::decimal(20, 8) as tuned_usage_usd
    from billed
),

charged as (
    select
        *,
        case
            when unknown_training is null then greatest(training_fee_usd, coalesce(job_minimum_usd, 0))
        end as upfront_usd
    from totals
),

monthly as (
    select
        *,
        -- what is paid however little is asked; retraining is laid aside for month by month
        case
            when unknown is null then
                coalesce(round(hosting_hours * hosting_hour_usd, 8), 0)
                + coalesce(storage_month_usd, 0)
                + coalesce((upfront_usd / retrain_every_months)::decimal(20, 8), 0)
        end::decimal(20, 8) as tuned_standing_usd
    from charged
)

select
    *,
    (tuned_standing_usd + tuned_usage_usd)::decimal(20, 8) as tuned_monthly_usd,
    as_of::date as asked_on,
    least(
        horizon_months,
        (shutdown_on - as_of::date) * 12 / 365,
        -- a model that has to be trained anew lives as long as its last training is good for
        case
            when retrain_every_months is not null
                then (last_training_on - as_of::date) * 12 / 365 + retrain_every_months
        end
    )::decimal(10, 6) as usable_months,
    case
        when not is_available then case
            when shutdown_on <= as_of::date then 'was shut down on ' || shutdown_on
            when last_training_on < as_of::date then 'training ended on ' || last_training_on
            else 'training is ' || replace(training_availability, '_', ' ')
        end
        when service_tier = 'batch' and batch_share < 1
            then format('serves batches only, {:.0f} % of the requests cannot wait', 100 * (1 - batch_share)::double)
        when answers_with = 'labels' and answers = 'text'
            then 'answers with labels alone, the workload needs text'
        when examples < min_examples
            then 'needs at least ' || min_examples || ' examples, the workload has ' || examples
    end as unavailable
from monthly
