-- whether a capture states dates of its own; of those read so far it is not known, and the careful
-- answer is that it does
alter table looks add column if not exists is_dated boolean;

update looks set is_dated = true where outcome in ('read', 'unchanged', 'quarantined');
