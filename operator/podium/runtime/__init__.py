"""The model server: one model version, pinned by version and digest; one process, unless PODIUM_PROCESSES says more.

What belongs here: everything that runs in a model's pod, or on a laptop by `podium serve`. It loads the version,
proves which one it loaded, warms it up, and only then answers; every answer names who gave it, and every fault is
put where it belongs (the request's 4xx, the model's 5xx, the load's 503).

What does not: anything of Kubernetes, gates, guards or rollouts. The operator knows this package only by its
ports: environment variables in, HTTP and an exit code out. It may import `podium.core` (the digest), nothing above.

The rooms, each of which imports only those below it (`[tool.importlinter]` in pyproject.toml holds this):

    grpc             the gRPC port, where there is one
    http2            what it is spoken in
    http | batch     the serving port, and `podium score`
    loading          from a reference to a model that has proved itself
    protocols        what a body means
    prediction       from rows to raw predictions
    settings         and the values that all share: exchange, identity, faults, exits, startup, preview, reference,
                     other_slot, shadow, turns, model_file, legacy_env, and collector (Python's garbage collector)

A request's way: `http.connection` (bytes in and out) -> `http.app` (routes) -> `http.predicting` (counts) ->
`protocols` (what the body means) -> `prediction.queue` (which thread predicts) -> `prediction.model` (MLflow's model
behind it).
"""
