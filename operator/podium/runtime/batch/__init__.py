"""Batch scoring: a table larger than memory, scored in chunks, every row stamped with who scored it.

What belongs here: reading and writing tables, the journal that makes a broken run resumable, the summary. How a model
is found is `podium.runtime.loading`'s, how it predicts `podium.runtime.prediction`'s; arguments are the CLI's.

    job          one run: read a chunk, predict it, write it; twice over the table where a type says so
    inputs       a table as chunks: `csv_input` (on `csv_records`, `csv_survey`) and `parquet_input`
    fitting      a chunk's columns as the signature wants them: what the model is asked
    predictions  what the model answered, as columns; one schema for all chunks
    outputs      `csv_output` (on `csv_cells`) and `parquet_output`
    failures     every way in which it ends badly, each with its exit code
"""
