"""`python -m podium.controller`: the operator, in a pod or from a shell against a kubeconfig."""

import argparse
import asyncio
import logging
import os
import sys

from podium.adapters.kubernetes.api import in_cluster
from podium.adapters.registries.mlflow import LOGIN_VARIABLES
from podium.controller.logs import configure
from podium.controller.settings import Settings
from podium.controller.wiring import main
from podium.errors import PodiumError


def run() -> int:
    """Run until told to stop. Returns the exit code: 2 where a setting or the login cannot be used."""
    asked = argparse.ArgumentParser(prog="python -m podium.controller", description="The operator of Podium.")
    asked.add_argument("--shards", metavar="N", help="hash namespaces over N Leases (PODIUM_SHARDS)")
    shards = asked.parse_args().shards
    environ = {**os.environ, **({"PODIUM_SHARDS": shards} if shards is not None else {})}
    try:
        settings = Settings.from_environment(environ, in_cluster=in_cluster(), login_variables=LOGIN_VARIABLES)
    except PodiumError as error:
        print(error, file=sys.stderr)  # there are no logs yet: how they look is a setting
        return 2
    configure(settings.log_format, settings.log_level)
    try:
        asyncio.run(main(settings))
    except PodiumError as error:
        logging.getLogger("podium").critical("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(run())
