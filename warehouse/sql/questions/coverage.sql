-- one row is a meter or a term of one provider's tuned offers, or of its base models, with the number of offers by what is known of it
select
    provider,
    if(tuning_method = 'none', 'base', 'tuned') as offers,
    coalesce(meter, term) as what,
    count(*) filter (availability = 'priced') as priced,
    count(*) filter (availability = 'free') as free,
    count(*) filter (availability = 'not_offered') as not_offered,
    count(*) filter (availability = 'not_published') as not_published,
    count(*) filter (availability = 'unreadable') as unreadable,
    count(*) filter (term is not null) as known
from (
    select provider, tuning_method, meter, null as term, availability
    from current_prices
    where is_preferred
    union all by name
    -- several sources may state one term of an offer
    select distinct on (
        provider,
        canonical_model,
        tuning_method,
        adapter,
        service_tier,
        region,
        context_tier,
        term
    )
        provider,
        tuning_method,
        term
    from current_terms
)
group by all
order by provider, offers desc, bool_or(term is not null), what
