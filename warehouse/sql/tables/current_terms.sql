-- one row is a term of an offer as one source says it now
select *
from terms_as_of((select built_at from build_info), timestamp 'infinity')
order by provider, model, term, source
