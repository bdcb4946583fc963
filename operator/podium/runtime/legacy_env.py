"""Variables of earlier model servers, mapped onto today's; a variable of today's that is set wins.

MODEL_VARIANT=churn           PODIUM_MODEL_URI=models:/churn@champion
MODEL_VARIANT=models:/churn/7 PODIUM_MODEL_URI=models:/churn/7
MODEL_RUN_ID=…                PODIUM_SOURCE_RUN_ID=…
MODEL_RUN_NAME=…              PODIUM_SOURCE_RUN_NAME=…
CONFIG_PATH=server.yaml       a file of variables: `model_run_id: …` or `podium_port: 8081`, in any case
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from podium.runtime.exits import Exit, StartError


def mapped(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with the older ones in their new places.

    Raises StartError: CONFIG_PATH names a file that cannot be read.
    """
    found = {**_configured(environ), **environ}
    if variant := found.get("MODEL_VARIANT"):
        found.setdefault("PODIUM_MODEL_URI", variant if ":" in variant else f"models:/{variant}@champion")
    for older, name in (("MODEL_RUN_ID", "PODIUM_SOURCE_RUN_ID"), ("MODEL_RUN_NAME", "PODIUM_SOURCE_RUN_NAME")):
        if older in found:
            found.setdefault(name, found[older])
    return found


def _configured(environ: Mapping[str, str]) -> dict[str, str]:
    path = environ.get("CONFIG_PATH")
    if not path:
        return {}
    try:
        content = yaml.safe_load(Path(path).read_text())
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        reason = f"CONFIG_PATH={path}: expected a YAML file of settings, found {type(error).__name__}"
        raise StartError(Exit.BAD_SETTINGS, reason) from error
    if not isinstance(content, dict):
        found = type(content).__name__
        raise StartError(Exit.BAD_SETTINGS, f"CONFIG_PATH={path}: expected a mapping of settings, found {found}")
    return {str(name).upper(): str(value) for name, value in content.items()}
