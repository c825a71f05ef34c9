-- one row is a change, whether it is news, and what there is to see for it, the newest first
--
-- News is what was seen to happen: not what was so when its source was first looked at, however
-- the source dates it, and not what was only read or printed otherwise.
select
    c.*,
    c.cause not in ('correction', 'unit_restated')
    and c.last_seen_before_at is not null
    and (
        c.capture_sha256 <> f.capture_sha256
        -- what the first capture says of another time than its own
        or exists (from looks as l where l.source = c.source and l.looked_at = c.valid_from)
    )
    and not exists (
        from price_changes as r
        where r.cause = 'correction'
            and r.source = c.source
            and r.known_at = c.known_at
            and r.valid_from = c.valid_from
            and r.provider = c.provider
            and r.model = c.model
            and r.tuning_method = c.tuning_method
            and r.adapter is not distinct from c.adapter
            and r.service_tier = c.service_tier
            and r.region is not distinct from c.region
            and r.context_tier is not distinct from c.context_tier
            and r.meter is not distinct from c.meter
            and r.price_list is not distinct from c.price_list
            and r.term is not distinct from c.term
    ) as is_news
from price_changes as c
left join (
    select source, arg_min(capture_sha256, looked_at) as capture_sha256
    from looks
    where outcome = 'read'
    group by source
) as f on c.source = f.source
where $base_models
    or (
        c.tuning_method <> 'none'
        -- what is called otherwise tells of no method
        and (
            c.remark is distinct from 'renamed'
            or exists (
                from price_history as h
                where h.provider = c.provider
                    and h.model in (c.old_value, c.new_value)
                    and h.tuning_method <> 'none'
            )
        )
    )
order by
    c.known_at desc,
    c.valid_from desc,
    c.provider,
    c.model,
    c.tuning_method,
    c.service_tier,
    c.meter,
    c.term,
    c.source,
    c.change_id
