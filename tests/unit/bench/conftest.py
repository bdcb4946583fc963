"""MLflow warns of itself when it is imported; here, so that no test of a bench is the first to do so."""

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import mlflow.pyfunc  # noqa: F401
