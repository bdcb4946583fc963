"""The ModelDeployment as people write and read it: pydantic models, one file an aspect.

What belongs here: the fields of spec and status, their defaults, bounds and rules; the CRD, the JSON Schema and the
reference made from them. What does not: any decision (`podium.core`) and any I/O.

From the top: `schema` reads everything; `manifest` is the whole object; `status` and `spec` are its halves; `reasons`
and `values` are what they are made of.
"""
