"""Batch scoring: a table larger than memory, scored in chunks, every row stamped with who scored it.

What belongs here: reading and writing tables, the journal that makes a broken run resumable, the summary. How a model
is found is `podium.runtime.loading`'s, how it predicts `podium.runtime.prediction`'s; arguments are the CLI's.
"""
