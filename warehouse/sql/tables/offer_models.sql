-- one row is a model as a provider's offers name it, the model that it is, and what that is tuned from
with printed as (
    select distinct
        provider,
        model,
        regexp_replace(lower(model), '[\s_]+', '-', 'g') as name
    from facts
)

select
    p.provider,
    p.model,
    coalesce(n.model, p.name) as canonical_model,
    coalesce(m.base_model, p.name) as base_model,
    n.model is not null as is_known
from printed as p
left join model_names as n on p.name = n.name
left join models as m on n.model = m.model
