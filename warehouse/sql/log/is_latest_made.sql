-- one row tells whether what each fact was last said to be is there, in this engine's numbers
select case
    when exists (from latest where source = $source)
        then not exists (from latest where source = $source and made_by <> version())
    else not exists (from facts where source = $source)
end
