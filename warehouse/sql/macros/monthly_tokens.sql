-- monthly_tokens(): one row is a workload, with the millions of tokens that a month of it takes before and after tuning
with shares as (
    select
        *,
        requests * 0.000001 as million_requests,
        1 - batch_share as online_share,
        coalesce(cached_share_after, cached_share) as tuned_cached_share
    from workloads
)

select
    * exclude (million_requests, online_share, tuned_cached_share),
    (million_requests * online_share * prompt_before * (1 - cached_share))::decimal(24, 14)
        as fresh_before,
    (million_requests * online_share * prompt_before * cached_share)::decimal(24, 14)
        as cached_before,
    (million_requests * online_share * prompt_after * (1 - tuned_cached_share))::decimal(24, 14)
        as fresh_after,
    (million_requests * online_share * prompt_after * tuned_cached_share)::decimal(24, 14)
        as cached_after,
    (million_requests * online_share * completion_tokens)::decimal(24, 14) as completions,
    (million_requests * batch_share * prompt_before * (1 - cached_share))::decimal(24, 14)
        as batch_fresh_before,
    (million_requests * batch_share * prompt_before * cached_share)::decimal(24, 14)
        as batch_cached_before,
    (million_requests * batch_share * prompt_after * (1 - tuned_cached_share))::decimal(24, 14)
        as batch_fresh_after,
    (million_requests * batch_share * prompt_after * tuned_cached_share)::decimal(24, 14)
        as batch_cached_after,
    (million_requests * batch_share * completion_tokens)::decimal(24, 14) as batch_completions,
    -- a month is a twelfth of 365 days
    (hosting_hours_a_day * 365 / 12)::decimal(12, 6) as hosting_hours
from shares
