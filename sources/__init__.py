"""What the world says: one module per source of prices, and the reading they share.

A module whose name has no leading underscore is a source; its name is the source's name
everywhere. This room knows no database and no scheduler.
"""
