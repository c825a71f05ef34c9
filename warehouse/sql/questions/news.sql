-- one row is a change, whether it is news, and what there is to see for it, the newest first
select c.* exclude (told_at, fires_at)
from news() as c
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
    c.first_known_at desc,
    c.valid_from desc,
    c.provider,
    c.model,
    c.tuning_method,
    c.service_tier,
    c.meter,
    c.term,
    c.source,
    c.change_id
