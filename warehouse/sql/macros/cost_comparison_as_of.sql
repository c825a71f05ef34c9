-- cost_comparison_as_of(as_of): one row is one tunable model at one provider by method and tier, with all that it costs in USD
with figures as materialized (
    select f.*, s.speaker
    from comparison_facts_as_of(as_of) as f
    join sources as s on f.source = s.source
),

offers as (
    select
        provider,
        model,
        base_model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier,
        canonical_model,
        any_value(expanded_from) as expanded_from,
        any_value(unit_price_usd) filter (figure = 'training_tokens') as training_usd,
        any_value(unit_price_usd) filter (figure = 'training_hours') as training_hour_usd,
        any_value(unit_price_usd) filter (figure = 'input_tokens') as input_usd,
        any_value(unit_price_usd) filter (figure = 'cached_input_tokens') as cached_input_usd,
        any_value(unit_price_usd) filter (figure = 'output_tokens') as output_usd,
        any_value(unit_price_usd) filter (figure = 'hosting_hours') as hosting_hour_usd,
        any_value(unit_price_usd) filter (figure = 'storage_months') as storage_month_usd,
        any_value(unit_price_usd) filter (figure = 'job_minimum') as job_minimum_usd,
        any_value(unit_price_usd) filter (figure = 'base_input') as base_input_usd,
        any_value(unit_price_usd) filter (figure = 'base_output') as base_output_usd,
        coalesce(
            any_value(availability) filter (figure = 'training_tokens'),
            any_value(availability) filter (figure = 'training_hours')
        ) as training_availability,
        any_value(pricing_currency order by figure desc) filter (figure like 'training%')
            as pricing_currency,
        min(confirmed_at) as oldest_confirmed_at,
        max(confirmed_at) filter (
            figure like 'training%' and speaker = 'seller' and availability in ('priced', 'free')
        )::date as sold_at,
        string_agg(distinct source, ', ' order by source) as sources
    from figures
    group by all
),

terms as (
    select
        o.provider,
        o.canonical_model,
        o.tuning_method,
        o.adapter,
        o.service_tier,
        o.region,
        o.context_tier,
        t.term,
        t.value
    from offers as o
    join (
        select t.*, s.speaker
        from terms_as_of(as_of, timestamp 'infinity') as t
        join sources as s on t.source = s.source
    ) as t
        on o.provider = t.provider
        and (t.model in ('*', o.expanded_from) or t.canonical_model = o.canonical_model)
        -- a tuned model ends with its base, but where a catalogue says so and the seller still
        -- priced the training after that day, the catalogue speaks of the base alone
        and (
            t.tuning_method <> 'none'
            or t.speaker in ('seller', 'transcribed')
            or t.term <> 'shutdown_on'
            or o.sold_at is null
            or try_cast(t.value as date) > o.sold_at
        )
    qualify row_number() over (
        partition by
            o.provider,
            o.canonical_model,
            o.tuning_method,
            o.adapter,
            o.service_tier,
            o.region,
            o.context_tier,
            t.term
        order by
            t.is_chosen desc,
            t.model <> '*' desc,
            -- a tuned model may outlive the base that it was tuned from
            t.tuning_method <> 'none' desc,
            t.is_trusted desc,
            -- of those that nobody confirmed of late the latest is the best there is
            case when t.is_trusted then t.source_rank end,
            case when t.is_trusted then null else t.confirmed_at end desc,
            t.source_rank,
            t.tuning_method = o.tuning_method desc,
            t.confirmed_at::date desc,
            t.source,
            length(t.model),
            t.model,
            t.value desc
    ) = 1
),

terms_by_offer as (
    select
        provider,
        canonical_model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier,
        map_from_entries(list(struct_pack(k := term, v := value))) as term
    from terms
    group by all
),

described as (
    select
        o.*,
        t.term['min_examples']::integer as min_examples,
        t.term['recommended_examples']::integer as recommended_examples,
        coalesce(t.term['hosting'], 'unknown') as hosting,
        coalesce(t.term['weights_exportable'], 'unknown') as weights_exportable,
        t.term['billed_tokens_rule'] as billed_tokens_rule,
        t.term['tuned_inference_rule'] as tuned_inference_rule,
        t.term['closed_to_new_customers_on']::date as closed_to_new_customers_on,
        t.term['last_training_on']::date as last_training_on,
        t.term['shutdown_on']::date as shutdown_on
    from offers as o
    left join terms_by_offer as t
        on o.provider = t.provider
        and o.canonical_model = t.canonical_model
        and o.tuning_method = t.tuning_method
        and o.adapter is not distinct from t.adapter
        and o.service_tier = t.service_tier
        and o.region is not distinct from t.region
        and o.context_tier is not distinct from t.context_tier
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
    training_usd,
    training_hour_usd,
    -- where the seller says that a tuned model runs at its base model's price, it does
    coalesce(input_usd, case when tuned_inference_rule = 'base_price' then base_input_usd end)
        as input_usd,
    cached_input_usd,
    coalesce(output_usd, case when tuned_inference_rule = 'base_price' then base_output_usd end)
        as output_usd,
    hosting_hour_usd,
    storage_month_usd,
    job_minimum_usd,
    base_input_usd,
    base_output_usd,
    training_availability,
    min_examples,
    recommended_examples,
    hosting,
    weights_exportable,
    billed_tokens_rule,
    tuned_inference_rule,
    closed_to_new_customers_on,
    last_training_on,
    shutdown_on,
    coalesce(
        training_availability in ('priced', 'free')
        and (last_training_on is null or last_training_on >= as_of::date)
        and (shutdown_on is null or shutdown_on > as_of::date),
        false
    ) as is_available,
    pricing_currency,
    oldest_confirmed_at,
    sources,
    expanded_from,
    canonical_model
from described
order by provider, model, tuning_method, adapter, service_tier, region, context_tier
