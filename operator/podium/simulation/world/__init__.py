"""The one simulated world behind the ports: cluster, registry, traffic, pods' counters, clock, and what goes wrong.

    loop, clock      time that passes only when nothing is left to do
    pods, cluster    Deployments whose pods load, answer, crash and drain; the API server's objects around them
    kubelet, templates   when a container is started again; what pods are made from
    router           where requests go: by ready pods, or as a gateway that can be behind took it
    pod_metrics, clients   what pods count of what they answer; requests that are drawn from seeds
    registry, gates, lease, metrics_store   the other ports
    faults, process  the real operator as a process whose calls fail by a table of kinds, and which dies at any of them
    promises         what DESIGN promises, checked at every write
    world            all of it together, and what people do with it

`podium.testing` ships the parts for users' tests. Each is held to its port's contract by the suite in `tests/contract`,
which runs against it and the real thing.
"""
