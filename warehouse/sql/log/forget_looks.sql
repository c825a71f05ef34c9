-- what became of a source's captures, before they are judged anew
delete from looks where source = $source and capture_sha256 is not null
