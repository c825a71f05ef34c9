-- one row is how long an offer was the cheapest for a question, and what ended it, the newest first
select
    question,
    won_from as since,
    won_to as until,
    provider,
    coalesce(expanded_from, model) as model,
    concat_ws(' ', tuning_method, nullif(adapter, 'unknown'), region, context_tier) as method,
    first_usd as usd,
    count(*) as offers,
    case when ended_by = provider || ' ' || coalesce(expanded_from, model) then 'itself' else ended_by end
        as ended_by,
    cause,
    coalesce(meter, term) as what,
    old_value as old,
    new_value as new,
    source
from winner_history(
    coalesce($since::varchar::timestamp, timestamp '1970-01-01'),
    (select built_at from build_info)
)
where ($question::varchar is null or question = $question)
    and constraint_set = $constraint_set
group by all
order by question, since desc, provider, model, method
