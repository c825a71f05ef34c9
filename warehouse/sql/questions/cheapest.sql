-- one row is one of the cheapest offers for a question
select
    question,
    rank,
    provider,
    coalesce(expanded_from, model) as model,
    concat_ws(' ', tuning_method, nullif(adapter, 'unknown'), region, context_tier) as method,
    value_usd,
    gap_pct,
    count(*) as offers,
    any_value(sources) as sources
from cheapest_options
where ($question::varchar is null or question = $question)
    and constraint_set = $constraint_set
    and rank <= $rank
group by all
order by question, rank, provider, model, method
