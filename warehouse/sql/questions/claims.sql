-- one row is a workload and a seller, with the number of offers for which the claim holds, fails, or cannot be told
select
    workload,
    provider,
    count(*) filter (outcome = 'holds') as holds,
    count(*) filter (outcome = 'fails') as fails,
    count(*) filter (outcome = 'not_available') as not_available,
    count(*) filter (outcome = 'unknown') as unknown,
    min(requests_needed) as least_requests_needed,
    any_value(claim) as claim
from claims_as_of(as_of)
where comparator = 'base_model'
    and ($workload::varchar is null or workload = $workload)
    and ($provider::varchar is null or provider = $provider)
group by workload, provider
order by workload, provider
