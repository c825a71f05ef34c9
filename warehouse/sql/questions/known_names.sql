-- one row is a name that a question can use: a seller, a model that is tuned, or one that is prompted
select distinct 'provider' as kind, provider as name
from cost_comparison
union
select distinct 'model', unnest([model, canonical_model, expanded_from])
from cost_comparison
union
select distinct 'alternative', unnest([canonical_model, model])
from current_prices
where tuning_method = 'none'
union
select 'alternative', name
from model_names
