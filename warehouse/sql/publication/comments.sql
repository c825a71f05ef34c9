-- one row is a table, what a row of it is, and what each of its columns means
select
    t.table_name,
    any_value(t.comment) as comment,
    map_from_entries(list((c.column_name, c.comment) order by c.column_index)) as columns
from duckdb_tables() as t
join duckdb_columns() as c on t.table_oid = c.table_oid and t.database_oid = c.database_oid
group by t.table_name
order by t.table_name
