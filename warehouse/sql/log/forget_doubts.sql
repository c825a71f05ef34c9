-- the doubts about a source's captures, before they are judged anew
delete from doubts where source = $source
