-- one row is the last entry of the journal that the log has folded
select greatest(
    (select coalesce(max(position), 0) from looks),
    (select coalesce(max(position), 0) from decisions),
    (select coalesce(max(position), 0) from choices)
)
