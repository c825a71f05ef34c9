-- one row is a source of which there are captures
select distinct source from looks where capture_sha256 is not null order by source
