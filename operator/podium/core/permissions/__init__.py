"""What the PodiumPolicies of a namespace grant to its ModelDeployments. Pure: policies and specs in, refusals out.

What belongs here: which policies match a namespace, what a spec asks for beyond them, which addresses may be connected
to, and what is still done for a ModelDeployment that is not permitted. What does not: how policies are read and kept
(`podium.controller.policies`).
"""
