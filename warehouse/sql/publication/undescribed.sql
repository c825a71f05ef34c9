-- one row is a table of the log or of the reference that lacks a comment, on itself or a column
select t.table_name
from duckdb_tables() as t
join duckdb_columns() as c on t.table_oid = c.table_oid and t.database_oid = c.database_oid
where not t.temporary and t.table_name in (select unnest($tables))
group by t.table_name, t.comment
having t.comment is null or count(*) > count(c.comment)
