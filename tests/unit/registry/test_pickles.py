"""What a pickle would import: read, and never run."""

import bz2
import collections
import gzip
import lzma
import os
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from podium.registry.pickles import allowed, scan


class Calls:
    """Something whose pickle calls os.system."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __reduce__(self) -> tuple[object, ...]:
        return os.system, (self.word,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_that_runs_a_command_is_refused_with_the_command(protocol: int, tmp_path: Path) -> None:
    file, ran = tmp_path / "model.pkl", tmp_path / "ran"
    file.write_bytes(pickle.dumps({"model": [1], "then": Calls(f"touch {ran}")}, protocol))
    found = scan(file)
    assert found.refused == (f"posix.system('touch {ran}')",)
    assert found.whole
    assert not ran.exists()


def test_a_command_that_is_cut_is_seen_to_be(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Calls("echo " + "a" * 300)))
    (refused,) = scan(tmp_path / "model.pkl").refused
    assert refused.startswith("posix.system('echo aaa")
    assert refused.endswith("a…')")
    assert len(refused) < 250


def test_what_models_are_made_of_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps([collections.OrderedDict(a=1), collections.OrderedDict(b=2), {3}, 4j]))
    found = scan(file)
    assert found.imports == ("collections.OrderedDict", "builtins.complex")
    assert (found.refused, found.whole, found.problem) == ((), True, "")


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bz2.compress, lzma.compress])
def test_a_file_that_is_packed_as_joblib_packs_it_is_read(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    file = tmp_path / "model.joblib"
    file.write_bytes(pack(pickle.dumps(Calls("true"))))
    assert scan(file).refused == ("posix.system('true')",)


def test_a_name_that_is_made_while_it_runs_is_refused(tmp_path: Path) -> None:
    """`os` and `system` are on the stack, and what pickletools shows last is another name."""
    file = tmp_path / "model.pkl"
    name = b"".join(b"\x8c" + bytes([len(text)]) + text for text in (b"posix", b"system", b"sklearn.x", b"Y"))
    file.write_bytes(b"\x80\x04" + name + b"00" + b"\x93" + b"\x8c\x04true\x85R.")
    assert scan(file).refused[0].startswith("?.a name that is made while it runs")


def test_a_name_that_was_memoized_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94h\x00h\x01\x93\x8c\x04true\x85R.")
    assert scan(file).refused == ("posix.system('true')",)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"a,b\n1,2\n", "it is no pickle that could be followed past byte 0"),
        (pickle.dumps(1) + b"more", "other bytes follow its end"),
        (pickle.dumps([1, 2, 3])[:-3], "could be followed past byte"),
        (b"x\x9c broken", "could be followed past byte 0"),
    ],
)
def test_what_cannot_be_followed_says_where(content: bytes, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(content)
    found = scan(file)
    assert not found.whole
    assert problem in found.problem


@pytest.mark.parametrize(
    ("module", "name", "may"),
    [
        ("sklearn.pipeline", "Pipeline", True),
        ("sklearn.tree._tree", "Tree", True),
        ("sklearn.utils._testing", "run_command", False),
        ("sklearn.utils._testing", "TempMemmap", False),
        ("sklearn.datasets._covtype", "GzipFile", False),
        ("sklearn.callback._transport", "Listener", False),
        ("sklearn", "Pipeline.__class__", False),
        ("sklearnx", "Pipeline", False),
        ("numpy.testing._private.utils", "runstring", False),
        ("builtins", "eval", False),
        ("builtins", "getattr", False),
        ("functools", "partial", False),
        ("mine.models", "Ours", True),
    ],
)
def test_the_table_has_names_and_not_packages(module: str, name: str, may: bool) -> None:
    assert allowed(module, name, extra={"mine.models.Ours"}) is may


def test_a_packed_file_asks_for_no_more_memory_than_it_needs(tmp_path: Path) -> None:
    """Room for the largest file that may be would be refused where memory is limited."""
    file = tmp_path / "model.joblib"
    file.write_bytes(gzip.compress(pickle.dumps([1])))
    tracemalloc.start()
    try:
        assert scan(file).whole
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
