-- one row tells whether there are tables of the log, and whether their versions are counted
select
    count(*) filter (table_name = 'looks') > 0 as has_log,
    count(*) filter (table_name = 'migrations') > 0 as is_counted
from duckdb_tables()
