-- what was said last of the facts that moved
delete from latest where source = $source and subject in (select subject from moved)
