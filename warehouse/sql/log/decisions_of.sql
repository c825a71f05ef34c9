-- one row is a decision on a doubt about a source
from decisions where source = $source order by position
