"""How soon a version that turns bad is out of the traffic, on the real cluster, as its clients see it.

Clients send 100 requests a second, each over a connection of its own; one pod in five is the challenger's. At a random
moment of the canary step the clients begin to mark requests, and on a marked one the challenger fails, or ends its own
process; the champion heeds no marks. The model and its orders are in `bench.cluster`, `trials` drives the rollouts, and
`summary` says what it all came to. Run it with `make bench-rollback`, or `python -m bench.rollback`.
"""
