"""What we remember: the archive of captures, the log of facts, and the tables made from it.

This room knows no network and no scheduler. It takes validated frames and gives tables.
"""
