"""Batch scoring: a table larger than memory, scored in chunks, every row stamped with who scored it.

What belongs here: reading and writing tables, the journal that makes a broken run resumable, the summary. How a model
is found and loaded is the server's (`podium.runtime.source`, `podium.runtime.model`); arguments are the CLI's.
"""
