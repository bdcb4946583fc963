"""Helm, for the tests of the chart: built from Go modules when it is first asked for."""

from pathlib import Path

from testbed import gobuild

RECIPE = "helm"
PACKAGE = "helm.sh/helm/v4/cmd/helm"


def helm() -> Path:
    """The path of the program. Raises `TestbedError` where it cannot be built."""
    return gobuild.program(RECIPE, package=PACKAGE)


if __name__ == "__main__":
    print(helm())
