"""The model server: one process, one model version, pinned by version and digest.

What belongs here: everything that runs in a model's pod, or on a laptop by `podium serve`. It loads the version,
proves which one it loaded, warms it up, and only then answers; every answer names who gave it, and every fault is
put where it belongs (the request's 4xx, the model's 5xx, the load's 503).

What does not: anything of Kubernetes, gates, guards or rollouts. The operator knows this package only by its
ports: environment variables in, HTTP and an exit code out. It may import `podium.core` (the digest), nothing above.

A request's way: `connection` (bytes in and out) -> `app` (routes, identity, counts) -> `protocols` (what the body
means) -> `queue` (the one thread that predicts) -> `model` (MLflow's model behind it).
"""
