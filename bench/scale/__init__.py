"""What ModelDeployments cost that rest: a real operator process on an API server and an MLflow server in memory.

Both servers are here, in this process, so that they can count. The operator is another one, whose CPU and memory are
the machine's own figures. The objects are virtual: no node runs a pod of them.
"""
