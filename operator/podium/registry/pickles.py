"""What a pickle would import and call, read by pickletools: nothing of it is imported or run.

A pickle is a program: GLOBAL and STACK_GLOBAL import by name, REDUCE and its like call. So each name is looked up in a
table of what models of the usual libraries are made of, and all others are refused, with what would be called. The
table has names, not packages: numpy alone has functions that run any text. joblib puts the bytes of arrays between the
steps, which pickletools cannot follow: what lies behind the first one is looked up in the same table when it is loaded.
https://docs.python.org/3/library/pickletools.html
"""

import bz2
import gzip
import io
import lzma
import pickletools
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from podium.core.printable import plain

_MOST_BYTES: Final = 2**32  # of a file, once it is unpacked
_READ: Final = 2**20  # bytes at a time
_SHOWN: Final = 3  # texts that are shown of a call
_WIDEST: Final = 200  # characters of each
_TEXTS: Final = {
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING",
}  # fmt: skip
_SILENT: Final = {"PROTO", "FRAME"}  # which change no stack
_PUTS: Final = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"}
_ARRAYS: Final = "joblib.numpy_pickle.NumpyArrayWrapper"
_BEFORE_BYTES: Final = "allow_mmap"  # a key of its state, after which the bytes come
_GETS: Final = {"GET", "BINGET", "LONG_BINGET"}

# What may be imported, by module. A name in it is a class without side effects, or a constructor of arrays.
NAMES: Final[Mapping[str, frozenset[str]]] = {
    module: frozenset(names.split())
    for modules, names in {
        "builtins __builtin__": "bool bytearray bytes complex dict float frozenset int list object range set slice "
        "str tuple",
        "collections": "Counter OrderedDict defaultdict deque",
        "copyreg copy_reg": "_reconstructor",
        "_codecs": "encode",
        "datetime": "date datetime time timedelta timezone",
        "decimal": "Decimal",
        "numpy": "dtype ndarray float32 float64 int32 int64 bool_",
        "numpy.core.multiarray numpy._core.multiarray": "_reconstruct scalar",
        "numpy.core.numeric numpy._core.numeric": "_frombuffer",
        "numpy.random._pickle": "__randomstate_ctor __generator_ctor __bit_generator_ctor",
        "numpy.random._mt19937": "MT19937",
        "numpy.random._pcg64": "PCG64",
        "numpy.ma.core": "_mareconstruct MaskedArray",
        "scipy.sparse._csr scipy.sparse.csr": "csr_matrix csr_array",
        "scipy.sparse._csc scipy.sparse.csc": "csc_matrix csc_array",
        "joblib.numpy_pickle": "NumpyArrayWrapper",
        "pandas.core.frame": "DataFrame",
        "pandas.core.series": "Series",
        "pandas.core.indexes.base": "Index _new_Index",
        "pandas.core.indexes.range": "RangeIndex",
        "pandas.core.internals.managers": "BlockManager SingleBlockManager",
        "pandas._libs.internals": "_unpickle_block",
        "lightgbm.basic": "Booster",
        "xgboost.core": "Booster",
    }.items()
    for module in modules.split()
}
# Packages of which the classes (CamelCase) are estimators and their parts; a function of theirs is refused, and so is
# what they import from elsewhere: GzipFile, which empties a file, has a name in scikit-learn, too.
CLASSES_OF: Final = ("sklearn", "lightgbm.sklearn", "xgboost.sklearn")
# Those of their modules that are no part of any model: they fetch, listen and write files.
_NO_ESTIMATORS: Final = (
    "sklearn.callback", "sklearn.conftest", "sklearn.datasets", "sklearn.externals", "sklearn.utils._testing",
)  # fmt: skip


@dataclass(frozen=True)
class Scan:
    """What a file would do."""

    imports: tuple[str, ...]  # module.name, in the order of the file
    refused: tuple[str, ...]  # those that are in no table, each with the texts that it would be called with
    whole: bool  # False where the file could not be followed to its end
    problem: str = ""  # why it could not


class _Arrays(ValueError):
    """Bytes of an array follow, which are no steps."""


def allowed(module: str, name: str, extra: Collection[str] = ()) -> bool:
    """Whether this may be imported; `extra` are names that a person has allowed: package.module.Name."""
    if named_on_its_own(module, name, extra):
        return True
    inside = _within(module, CLASSES_OF) and not _within(module, _NO_ESTIMATORS)
    return inside and name.isidentifier() and name.lstrip("_")[:1].isupper()


def named_on_its_own(module: str, name: str, extra: Collection[str] = ()) -> bool:
    """Whether this very name is allowed, and not as a class of a package, which has yet to be one of that package."""
    return f"{module}.{name}" in extra or name in NAMES.get(module, ())


def is_class_of(module: str, found: object) -> bool:
    """Whether this is a class that the module's own package has made."""
    return isinstance(found, type) and found.__module__.partition(".")[0] == module.partition(".")[0]


def scan(file: Path, extra: Collection[str] = ()) -> Scan:
    """What the file would import, and what of it is refused. Nothing of it is run. Raises OSError."""
    found: list[tuple[str, list[str]]] = []
    place, problem = 0, ""
    try:
        data = unpacked(file)
        for step in _steps(data, found):
            place = step
        if data.read(1):
            problem = f"other bytes follow its end, at byte {place}"
    except _Arrays:
        problem = f"the arrays of joblib begin at byte {place}: what lies behind is looked up when it is loaded"
    except (ValueError, EOFError, zlib.error, lzma.LZMAError, UnicodeDecodeError, IndexError) as error:
        problem = f"it is no pickle that could be followed past byte {place}: {plain(str(error))[:100]}"
    names = tuple(dict.fromkeys(name for name, _ in found))
    refused = tuple(dict.fromkeys(_called(*each) for each in found if not allowed(*_split(each[0]), extra)))
    return Scan(names, refused, whole=not problem, problem=problem)


def unpacked(file: Path) -> io.BytesIO:
    """The bytes of the file, as joblib packs them: gzip, zlib, bz2, lzma, or as they are."""
    with file.open("rb") as opened:
        head = opened.read(6)
    for mark, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open), (b"]\x00", lzma.open)):
        if head.startswith(mark):
            with opener(file, "rb") as packed:
                return _all_of(packed)
    if head[:1] == b"x":
        return io.BytesIO(zlib.decompressobj().decompress(file.read_bytes(), _MOST_BYTES))
    return io.BytesIO(file.read_bytes())


def _all_of(packed: io.BufferedIOBase) -> io.BytesIO:
    """Part by part: room for the most that a file may have would be asked for at once."""
    found = io.BytesIO()
    while found.tell() < _MOST_BYTES and (part := packed.read(_READ)):
        found.write(part)
    found.seek(0)
    return found


def _within(module: str, packages: Collection[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _steps(data: io.BytesIO, found: list[tuple[str, list[str]]]) -> Iterator[int]:
    """Follows the program, and notes each import; yields the place of each step."""
    memo: dict[int, str | None] = {}
    pushed: list[str | None] = []  # the last entries of the stack, as far as they are texts
    for opcode, argument, place in pickletools.genops(data):
        yield place or 0
        name = opcode.name
        if name in _SILENT:
            continue
        if name in _PUTS:
            memo[len(memo) if argument is None else int(argument)] = pushed[-1] if pushed else None
            continue
        if name in {"GLOBAL", "INST"}:
            found.append((".".join(str(argument).split(" ", 1)), []))
        elif name == "STACK_GLOBAL":
            found.append((_named(pushed[-2:]), []))
        text = _text(name, argument, memo)
        if text is not None and found and len(found[-1][1]) < _SHOWN:
            found[-1][1].append(text)
        if text == _BEFORE_BYTES and any(name == _ARRAYS for name, _ in found):
            raise _Arrays
        pushed = [*pushed[-3:], text]


def _text(name: str, argument: Any, memo: Mapping[int, str | None]) -> str | None:
    if name in _TEXTS:
        return str(argument)
    return memo.get(int(argument)) if name in _GETS else None


def _named(pushed: list[str | None]) -> str:
    """The name that two texts on the stack make; one that is made up while it runs can be any."""
    module, name = pushed if len(pushed) == 2 else (None, None)  # noqa: PLR2004
    return f"{module}.{name}" if module and name else "?.a name that is made while it runs"


def _split(name: str) -> tuple[str, str]:
    module, _, last = name.rpartition(".")
    return module, last


def _called(name: str, texts: list[str]) -> str:
    shown = ", ".join(repr(_cut(plain(text))) for text in texts)
    return f"{plain(name)[:120]}({shown})"


def _cut(text: str) -> str:
    """What fits on a screen; what was cut off is seen to be cut off."""
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
