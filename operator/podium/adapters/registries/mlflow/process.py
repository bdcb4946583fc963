"""What MLflow's client reads from the process's environment, set so that it suits an operator.

These settings hold for the whole process, as MLflow has no others. What the operator's own manifest sets, stays.
"""

import os
from collections.abc import MutableMapping
from typing import Final

from mlflow.tracking.request_header import registry as request_headers
from mlflow.tracking.request_header.databricks_request_header_provider import DatabricksRequestHeaderProvider

from podium.adapters.registries.mlflow import logins
from podium.adapters.registries.mlflow.bounded import leave_what_is_retried

DEFAULTS: Final = {
    # Seconds until a request is given up. A look-up has a deadline of its own that is far shorter (`registry`); this
    # one is for downloads: a server that proxies an object store is silent until it has the whole file itself.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
    # One, because a kept-alive connection may have been closed meanwhile. Backing off is the controller's part.
    # MLflow's own seven retries take minutes until a dead server is called dead.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",  # the server must not be able to put our threads to sleep
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}

# A server before S3 hands out addresses of the store, from which the client fetches parts of a file in threads of its
# own: these would know neither the call's login nor what it may connect to, and write here and there in the file.
WITHOUT: Final = ("MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD", "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD")


def prepare(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set MLflow's client up for this process. May be called again."""
    for name, value in DEFAULTS.items():
        environ.setdefault(name, value)
    environ.update(dict.fromkeys(WITHOUT, "false"))
    leave_what_is_retried()
    environ["MLFLOW_TRACKING_AUTH"] = logins.PLUGIN
    logins.register()
    _leave_out_databricks()


def _leave_out_databricks() -> None:
    """Without it for each request MLflow looks for the modules of a Databricks notebook, which are not there.

    That takes more than half of a request's CPU. Providers of headers that plugins bring stay.
    """
    providers = request_headers._request_header_provider_registry  # noqa: SLF001  there is no other way to leave one out
    kept = [each for each in providers if not isinstance(each, DatabricksRequestHeaderProvider)]
    providers._registry = kept  # noqa: SLF001
