-- what a source said last, before it is made anew
delete from latest where source = $source
