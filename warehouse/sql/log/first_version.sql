-- one row is the version of a log that does not count its versions: 0 where there is none
select count(*) from duckdb_tables() where table_name = 'looks'
