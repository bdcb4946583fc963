"""The grammar of a model reference, read without asking anybody."""

import re

from podium.runtime.exits import Exit, StartError
from podium.runtime.identity import Identity

_REFERENCE = re.compile(r"models:/(?P<name>[^/@]+)/(?P<version>[0-9]+)")


def identity_from(uri: str) -> Identity:
    """Return what the reference itself says, before anybody is asked."""
    if found := _REFERENCE.fullmatch(uri.rstrip("/")):
        return Identity(found["name"], found["version"])
    raise StartError(Exit.BAD_SETTINGS, f"PODIUM_MODEL_URI: wanted models:/<name>/<version>, found {uri!r}")
