-- one row tells whether a capture is the last word of its source on all that it speaks of
select not exists (
    from looks
    where source = $source and looked_at > $looked_at and capture_sha256 is not null
) and not exists (from facts where source = $source and valid_from > $looked_at)
