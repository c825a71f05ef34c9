-- the change points of an entry that is still being folded
delete from facts where position = $position
