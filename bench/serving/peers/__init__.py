"""Model servers from PyPI beside ours, each in an environment of its own, serving the same two estimators.

`kept` makes the environments and starts the servers; the other modules are services as each project's own
documentation writes them, and run in those environments, where there is no Podium.
"""
