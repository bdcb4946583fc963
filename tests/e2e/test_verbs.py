"""A whole rollout steered by the command line alone, and the same one by YAML alone: each verb is a field."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.rollout import Rollout
from tests.e2e.steered import Act, steer_a_whole_rollout

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def by_verbs(rollout: Rollout) -> Act:
    kubectl = rollout.kubectl
    environment = os.environ | {"KUBECONFIG": str(kubectl.cluster.kubeconfig)}

    def act(words: str, _: dict[str, Any]) -> None:
        verb, *rest = words.split()
        command = [sys.executable, "-m", "podium.cli.main", verb, *rest, "--namespace", kubectl.namespace]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"podium {words}: {done.stdout}{done.stderr}"

    return act


def by_yaml(rollout: Rollout) -> Act:
    def act(_: str, parts: dict[str, Any]) -> None:
        version = parts.pop("version", rollout.spec["model"]["version"])
        steps = {"rollout": {**rollout.spec["rollout"], **parts.pop("rollout", {})}}
        kept = {name: value for name, value in steps["rollout"].items() if value is not None}
        rollout.apply(version, **{**parts, "rollout": kept})

    return act


@pytest.mark.parametrize("hand", [by_verbs, by_yaml])
def test_a_whole_rollout_is_steered(rollout: Rollout, hand: Callable[[Rollout], Act]) -> None:
    steer_a_whole_rollout(rollout, hand(rollout))
