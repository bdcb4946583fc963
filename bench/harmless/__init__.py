"""How many users a bad version fails, on the real cluster: none, because the champion answers instead.

Clients send 100 requests a second, each over a connection of its own, and half of the pods are the challenger's. At a
random moment of the canary step they begin to mark requests. On a marked one the challenger raises, answers NaN, hangs
for five seconds, is busy until its queue is full, or ends its own process; the champion heeds no marks. The model and
its orders are in `bench.cluster`; `trials` drives the rollouts. Run it with `make bench-harmless`.
"""
