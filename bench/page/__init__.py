"""The page's weight and speed (`python -m bench.page`): bytes and seconds of its first page by the size of the fleet.

fleets     ModelDeployments with real statuses of the simulated world, as many as are asked for
server     the page over such a fleet, in a process of its own, with its CPU time
"""
