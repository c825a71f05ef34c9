-- one row is the hash of what is believed now about every valid time
with believed as (
    select *
    from facts
    qualify row_number() over (
        partition by source, key, valid_from order by known_at desc, position desc
    ) = 1
),

steps as (
    select
        source,
        key,
        valid_from,
        -- what is not listed is as if it had never been said
        if(
            is_listed,
            concat_ws(
                '|',
                availability,
                list_unit_price,
                pricing_unit,
                pricing_currency,
                unit_price,
                value,
                checked_at
            ),
            null
        ) as says
    from believed
),

changes as (
    select *
    from steps
    qualify says is distinct from lag(says) over (partition by source, key order by valid_from)
)

select md5(coalesce(string_agg(concat_ws('|', source, key, valid_from, says), chr(10)
    order by source, key, valid_from), ''))
from changes
