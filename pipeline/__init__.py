"""When, in what order, and for whom: the assets, the schedule and the command."""
