-- one row is one spelling of a model's name and the model that it means
select
    unnest(list_distinct(list_append(
        list_filter(string_split(coalesce(aliases, ''), '|'), lambda alias: alias <> ''), model
    ))) as name,
    model
from models
