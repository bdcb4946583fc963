"""Fakes of every port, shipped for users' tests too.

Each is held to its port's contract by the suite in `tests/contract`, which runs against the fake and the real thing.
"""
