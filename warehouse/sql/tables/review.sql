-- one row is a doubt about what a source last said: what it holds back or sets aside, and the decision
with last_captured as (
    select source, capture_sha256, looked_at, url
    from looks
    where capture_sha256 is not null and outcome <> 'refused'
    qualify row_number() over (partition by source order by looked_at desc, position desc) = 1
),

decided as (
    select source, fingerprint, verdict, reason, known_at
    from decisions
    qualify row_number() over (partition by source, fingerprint order by position desc) = 1
)

select distinct
    d.source,
    d.rule,
    d.severity,
    coalesce(x.verdict, if(d.severity = 'flag', 'noted', 'waiting')) as state,
    d.provider,
    d.model,
    d.tuning_method,
    d.adapter,
    d.service_tier,
    d.region,
    d.context_tier,
    d.meter,
    d.price_list,
    d.term,
    d.reason,
    x.reason as decision,
    x.known_at as decided_at,
    d.fingerprint,
    d.capture_sha256,
    l.looked_at,
    l.url
from doubts as d
join last_captured as l on d.source = l.source and d.capture_sha256 = l.capture_sha256
left join decided as x on d.source = x.source and d.fingerprint = x.fingerprint
order by d.source, d.severity <> 'hold', d.severity, d.rule, d.provider, d.model, d.reason
