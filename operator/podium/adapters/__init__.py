"""The outside systems: one module (or package) for each. Each implements a port and translates its system's errors.

No decision is made here. Foreign exceptions end here: callers see `podium.errors` only.
"""
