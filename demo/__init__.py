"""A model's life on a real cluster, as a play in three acts: `python -m demo`.

What belongs here: the models, the Git repository, the clients and what they saw, the story and what must come of it.
What does not: anything that Podium needs. The demo uses Podium as its users do, through Git, `kubectl` and HTTP, and
the cluster through `testbed`.
"""
