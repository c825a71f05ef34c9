-- one row is a seller of whom anything was ever known
select distinct provider
from (
    select provider, tuning_method
    from price_history
    union all
    select provider, tuning_method
    from terms_history
)
where $base_models or tuning_method <> 'none'
order by provider
