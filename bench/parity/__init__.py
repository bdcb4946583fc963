"""Whether the model server answers as `mlflow models serve` does, over many models, flavours and kinds of output.

Both serve the same saved model in one process, without sockets: MLflow's FastAPI application, which is what
`mlflow models serve` runs under uvicorn, and Podium's App as a pod loads it. Run it with `make bench-parity`, or
`python -m bench.parity`; its last line is a JSON object.

    packages    flavours that the project does not need, pinned and kept in a folder of their own
    estimators  models of MLflow's flavours; `answers` models from code, one for each kind of output
    inputs      what both are asked
    servers     both servers of one model
    compare     equal in value, or different for a reason that is written down
"""
