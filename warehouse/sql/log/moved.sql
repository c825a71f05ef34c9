-- one row is a fact of which a capture says something else than what was said last, and what it says
with now as (
    select
        *,
        subject_hash(
            provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, term,
            price_list
        ) as subject,
        says_hash(
            availability, list_unit_price, pricing_unit, pricing_currency, unit_price, value, checked_at
        ) as says
    from said
)

select
    n.* exclude (subject, says, valid_from),
    coalesce(n.subject, l.subject) as subject,
    n.says,
    l.key,
    l.valid_from,
    l.position,
    n.subject is not null as is_listed
from now as n
full join (from latest where source = $source) as l on n.subject = l.subject
where case
    when n.subject is null then l.is_listed and l.key not in (select key from set_aside)
    else l.subject is null or not l.is_listed or n.says <> l.says
end
