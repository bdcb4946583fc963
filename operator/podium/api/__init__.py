"""The ModelDeployment as people write and read it: pydantic models, one file per aspect.

What belongs here: the words of the spec and the status, their defaults, bounds and rules; the CRD and the JSON
Schema made from them. What does not: any decision (`podium.core`) and any I/O. It imports nothing of Podium.
"""
