-- one row is what one source says now about one offer's meter; is_preferred marks the one that the ranking picks
select *
from prices_as_of((select built_at from build_info), timestamp 'infinity')
order by provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, price_list, source
