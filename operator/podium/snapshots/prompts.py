"""Versions of MLflow's prompt registry that a snapshot names. An alias is resolved once: it may move, a version not."""

import re
from collections.abc import Mapping
from typing import Any, Final

from podium.errors import Rejected
from podium.snapshots.snapshot import WORD
from podium.snapshots.tracking import doing

_URI: Final = re.compile(r"prompts:/+(?P<name>[\w.-]{1,256})(/(?P<version>[1-9][0-9]{0,9})|@(?P<alias>[\w-]{1,255}))")


def pinned_prompts(client: Any, prompts: Mapping[str, str]) -> dict[str, str]:
    """What each is for -> `prompts:/name/version`.

    Raises Rejected where one is no URI of a prompt, or is not there, and the errors of `tracking.doing`.
    """
    return {_purpose(purpose): _pinned(client, purpose, uri) for purpose, uri in prompts.items()}


def name_and_version(uri: str) -> tuple[str, str]:
    """Of a pinned prompt."""
    name, _, version = uri.removeprefix("prompts:/").rpartition("/")
    return name, version


def _pinned(client: Any, purpose: str, uri: str) -> str:
    found = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if found is None:
        raise Rejected(f"prompts[{purpose}] is {uri!r}; required: prompts:/name/version or prompts:/name@alias")
    name, version, alias = found["name"], found["version"], found["alias"]
    with doing(f"read {uri} (prompts[{purpose}])", "Register the prompt, or fix the name"):
        if alias is not None:
            prompt = client.get_prompt_version_by_alias(name, alias)
        else:
            prompt = client.get_prompt_version(name, version)
    if prompt is None:
        raise Rejected(f"{uri} (prompts[{purpose}]) not found. Register the prompt, or fix the name")
    return f"prompts:/{name}/{prompt.version}"


def _purpose(purpose: str) -> str:
    if not WORD.fullmatch(purpose):
        raise Rejected(f"prompts has a key {purpose!r}; required: lower-case letters and digits, joined by - or _")
    return purpose
