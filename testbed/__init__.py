"""A real Kubernetes cluster for tests and the demo: kind, with or without Docker.

What belongs here: getting a node image, starting and stopping clusters, building images and putting them on nodes,
and looking at what happens on a node. What does not: anything about models, rollouts or Podium itself; a cluster
knows nothing of what runs on it.

Only the standard library is imported, so that `python3 -m testbed up` is the first command that works on a fresh
machine. Imports go down only:

    __main__ -> gateway -> cluster -> way, docker, podman -> images, nodeimage -> layers, tools, engine -> commands
    -> places

`testbed.cluster.Cluster` is the way in for tests.
"""
