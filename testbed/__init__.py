"""A real Kubernetes cluster for tests and the demo: kind, with or without Docker.

What belongs here: getting a node image, starting and stopping clusters, building images and putting them on nodes,
and looking at what happens on a node. What does not: anything about models, rollouts or Podium itself; a cluster
knows nothing of what runs on it.

Only the standard library is imported, so that `python3 -m testbed up` is the first command that works on a fresh
machine. Imports go down only, without a circle (import-linter checks it):

    __main__ -> cluster, gateway, helm -> health, podnetwork -> access -> choice -> docker, podman -> nodeimage, images
    -> buildah, gobuild, oci, tools -> layers, engine, backend -> commands, locks -> progress, places, errors

`testbed.cluster.Cluster` is what tests use.
"""
