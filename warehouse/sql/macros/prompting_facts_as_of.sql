-- prompting_facts_as_of(as_of): one row is the fact behind one price of prompting a base model at one seller, with its evidence
with priced as materialized (
    select
        *,
        case when service_tier = 'batch' then 'batch_' else '' end || meter as figure
    from prices_as_of(as_of, timestamp 'infinity')
    where is_preferred
        and tuning_method = 'none'
        and meter in ('input_tokens', 'cached_input_tokens', 'output_tokens')
        and service_tier in ('standard', 'batch')
),

-- one place and prompt length for all meters of a model: everywhere before the seller's widest
-- region, any length before the shortest
places as (
    select provider, canonical_model, service_tier, region, context_tier
    from priced
    where meter = 'input_tokens' and availability in ('priced', 'free')
    qualify row_number() over (
        partition by provider, canonical_model, service_tier
        order by
            region is null desc,
            region = 'global' desc,
            region,
            context_tier is null desc,
            try_cast(regexp_extract(context_tier, '\d+') as integer),
            context_tier
    ) = 1
)

select p.*
from priced as p
join places as a
    on p.provider = a.provider
    and p.canonical_model = a.canonical_model
    and p.service_tier = a.service_tier
    and p.region is not distinct from a.region
    and p.context_tier is not distinct from a.context_tier
