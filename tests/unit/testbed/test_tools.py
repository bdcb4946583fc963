"""What a machine lacks is said in one go."""

from collections.abc import Sequence

import pytest

from testbed import tools
from testbed.errors import MissingTools
from testbed.tools import Tool

PYTHON = Tool("python3", "python3")
NONSENSE = Tool("no-such-program", "no-such-package")
NO_FILE = Tool("/no/such/file", "another-package")


@pytest.fixture(autouse=True)
def nothing_can_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "can_install", lambda: False)


def test_a_program_is_found_in_the_path() -> None:
    assert PYTHON.is_here()
    assert not NONSENSE.is_here()


def test_a_machine_with_everything_passes() -> None:
    tools.ensure([PYTHON], root=False, go=False)


def test_everything_that_is_missing_is_named_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "go_version", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(MissingTools) as missing:
        tools.ensure([PYTHON, NONSENSE, NO_FILE], root=True, go=True)
    message = str(missing.value)
    for word in ("no-such-program", "no-such-package", "/no/such/file", "another-package", "root", "Go 1.25"):
        assert word in message
    assert "python3" not in message


def test_only_what_is_missing_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Sequence[str]] = []
    monkeypatch.setattr(tools, "can_install", lambda: True)
    monkeypatch.setattr(tools, "install", asked.append)
    with pytest.raises(MissingTools):  # the package did not bring the program
        tools.ensure([PYTHON, NONSENSE], root=False, go=False)
    assert asked == [["no-such-package"]]


@pytest.mark.parametrize(
    ("version", "fine"),
    [
        ("go version go1.26.8 linux/amd64", True),
        ("go version go1.25rc1 linux/amd64", True),
        ("go version go1.25.0 linux/arm64", True),
        ("go version go1.24.9 linux/amd64", False),
        ("go version go1.19.8 linux/amd64", False),
        ("go version devel", False),
        (None, False),
    ],
)
def test_go_must_be_new_enough(version: str | None, fine: bool) -> None:
    missing = tools.why_not_go(version)
    assert (missing == []) is fine
    if version and not fine:
        assert version in missing[0]
