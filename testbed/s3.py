"""A server of S3, for the tests of a registry whose artifacts are there: built from Go modules when first asked for."""

from pathlib import Path

from testbed import gobuild

RECIPE = "versitygw"
PACKAGE = "github.com/versity/versitygw/cmd/versitygw"


def server() -> Path:
    """The path of the program. Raises `TestbedError` where it cannot be built."""
    return gobuild.program(RECIPE, package=PACKAGE)


if __name__ == "__main__":
    print(server())
