-- one row is a capture that waits for a person's decision, or had one, with what to decide on
with last_capture as (
    select *
    from looks
    where capture_sha256 is not null and outcome <> 'refused'
    qualify row_number() over (partition by source order by looked_at desc, position desc) = 1
),

doubted as (
    select distinct d.source, d.capture_sha256, d.fingerprint
    from doubts as d
    where d.severity <> 'flag'
        and (
            $decided
            or not exists (
                from decisions as x
                where x.source = d.source and x.fingerprint = d.fingerprint
            )
        )
)

select
    l.source,
    l.looked_at,
    l.known_at,
    l.url,
    l.capture_sha256,
    l.byte_count,
    list(u.fingerprint order by u.fingerprint) as fingerprints
from last_capture as l
join doubted as u using (source, capture_sha256)
group by all
order by l.source
