"""From a reference to a model that has proved itself: fetch, digest, requirements, load, warm-up. In that order.

Imported only in the loading thread: MLflow takes seconds to import, and `/healthz` answers meanwhile.
"""

import logging
import os
import shutil
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

import mlflow.models.model

from podium.runtime.exits import Exit, StartError
from podium.runtime.faults import Fault
from podium.runtime.identity import Identity
from podium.runtime.loading import process
from podium.runtime.loading.beside import brings_code, check_beside, forget, modules_of_code
from podium.runtime.loading.cache import Cache
from podium.runtime.loading.process import Members
from podium.runtime.loading.requirements import check
from podium.runtime.loading.source import Fetched, fetch, model_folder
from podium.runtime.prediction import array_namespaces, input_checks
from podium.runtime.prediction.model import Model
from podium.runtime.prediction.plan import Rows
from podium.runtime.prediction.scoring import Read, Scorer
from podium.runtime.prediction.sketch import Sketch
from podium.runtime.protocols import invocations
from podium.runtime.protocols.bodies import JSON
from podium.runtime.protocols.routes import About, EventDoor, Page, binaries, endpoints, events, pages, rpcs, streams
from podium.runtime.settings import Batching, ExtraColumns, Settings
from podium.runtime.startup import StartupStep

log = logging.getLogger(__name__)

T = TypeVar("T")

SERVING_EXAMPLE = (
    "serving_input_example.json"  # the body of /invocations that MLflow writes for a model's input example
)


# MLflow's server sets this: JSON texts become the dates and bytes that a model's type hints name.
AS_IN_SERVING = ("_MLFLOW_IS_IN_SERVING_ENVIRONMENT", "true")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that is ready to serve."""

    identity: Identity
    scorer: Scorer
    endpoints: dict[str, Read]  # path -> what a POST there means
    streams: dict[str, Read]  # the same, where the client accepts lines
    pages: dict[str, Page]  # path -> what is told of the model
    binaries: dict[str, Callable[[bytes], Read]] = field(default_factory=dict)  # a POST where bytes follow the JSON
    calls: dict[str, Read] = field(default_factory=dict)  # what a call of gRPC means
    events: dict[str, EventDoor] = field(default_factory=dict)  # a POST whose body asks for events
    from_cache: bool = False
    threads: int = 1  # that predict
    place: Path | None = None  # a folder of its own with what was downloaded for it
    code: bool = False  # whether it brings Python code of its own
    modules: frozenset[str] = frozenset()  # that MLflow made of it

    def let_go(self) -> None:
        """Remove what it has on disk and among the modules, once nothing is asked of it any more."""
        if self.scorer.model.processes is not None:
            self.scorer.model.processes.close()
        forget(self.modules)
        if self.place is not None:
            shutil.rmtree(self.place, ignore_errors=True)


def load(
    settings: Settings,
    entered: Callable[[StartupStep], None] = lambda _: None,
    *,
    beside: Loaded | None = None,
    members: Members | None = None,
) -> Loaded:
    """Do all that stands before readiness, or before it takes the place of `beside`, and tell which step begins.

    Whoever waits no longer ends the `members`: the processes that load it, too.

    Raises StartError: any step failed; its exit code says which. Raises RestartNeeded: it cannot be loaded beside that.
    """
    os.environ.setdefault(*AS_IN_SERVING)
    place = Path(mkdtemp(prefix="podium-model-"))
    before = modules_of_code()
    try:
        return replace(
            _load(settings, entered, place, beside, members or Members()),
            place=place,
            modules=modules_of_code() - before,
        )
    except BaseException as error:
        forget(modules_of_code() - before)
        shutil.rmtree(place, ignore_errors=True)
        if not _escapes(error):
            raise
        raise StartError(Exit.NOT_LOADED, f"the model's code raised {type(error).__name__}") from error


def _escapes(error: BaseException) -> bool:
    """Whether a model's code raised what ends whoever runs it: as SystemExit or CancelledError.

    Only the main thread is interrupted by a person.
    """
    by_person = isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()
    return not isinstance(error, Exception) and not by_person


def _load(
    settings: Settings,
    entered: Callable[[StartupStep], None],
    place: Path,
    beside: Loaded | None,
    members: Members,
) -> Loaded:
    cache = Cache(settings.cache_directory) if settings.cache_directory is not None else None
    entered(StartupStep.FETCHING)
    fetched = _timed(
        "fetched", lambda: fetch(settings.references, cache, fall_back=settings.source_fallback, place=place)
    )
    entered(StartupStep.LOADING)
    identity = _proved(fetched, settings)
    directory = model_folder(fetched, place)
    code = brings_code(directory)
    if beside is not None:
        check_beside(directory, code=code or beside.code, members=settings.members)
    differences = check(directory, settings.requirements_ignored)
    with process.starting(directory, settings, members):  # whatever fails in here ends them
        scorer = _scorer(directory, settings, members)
        if cache is not None and fetched.reference is not None:
            cache.save(fetched.reference.text, fetched.directory, fetched.identity)
        found = {
            "requirements": [asdict(each) for each in differences],
            "source": fetched.attempts,
            "from_cache": fetched.from_cache,
        }
        return replace(_with_doors(identity, scorer, settings, found), from_cache=fetched.from_cache, code=code)


def _scorer(directory: Path, settings: Settings, members: Members) -> Scorer:
    """Return the model in this folder, proved alone, joined, and in its other processes. Raises StartError."""
    model, example = prepared(directory, settings.extra_columns, settings.batching)
    if settings.members:
        model.processes = process.ready(members)
        _timed("warmed up in other processes", lambda: _warm_up(Scorer(model, settings.batching), directory))
    scorer = Scorer(model, settings.batching)
    if example is not None:
        scorer.join_if_proven(example)
    if settings.drift:
        scorer.sketch = Sketch.of(directory, model.inputs)
    if settings.batching is Batching.ON and model.plan is None:
        log.warning("PODIUM_BATCHING=on has no effect: only rows of a signature that is planned can be joined")
    return scorer


def _with_doors(identity: Identity, scorer: Scorer, settings: Settings, found: dict[str, Any]) -> Loaded:
    """Return it with every path by which it is asked, and the pages that tell of it and of what was found."""
    model = scorer.model
    threads = settings.processes if settings.members else settings.threads or model.threads
    told = {**found, "joined": scorer.joins, "threads": threads, "processes": settings.processes}
    return Loaded(
        identity,
        scorer,
        endpoints(identity),
        streams(),
        pages(About(identity, model, told)),
        binaries(identity),
        rpcs(identity),
        events(model),
        threads=threads,
    )


def prepared(directory: Path, extra_columns: ExtraColumns, batching: Batching) -> tuple[Model, Rows | None]:
    """Return the model in this folder, warmed up, and the rows of its input example. Raises StartError."""
    model = _timed("loaded", lambda: load_model(directory, extra_columns))
    _silence()
    input_checks.shorten()
    array_namespaces.shorten()
    # By a scorer of its own: what is predicted here is no client's traffic, and does not count
    example = _timed("warmed up", lambda: _warm_up(Scorer(model, batching), directory))
    return model, example


def _timed(what: str, step: Callable[[], T]) -> T:
    started = time.monotonic()
    result = step()
    log.info("%s in %.2f s", what, time.monotonic() - started)
    return result


def _proved(fetched: Fetched, settings: Settings) -> Identity:
    found = fetched.identity
    if settings.digest not in {None, found.digest}:
        raise StartError(
            Exit.DIGEST_MISMATCH,
            f"{settings.references[0]}: expected digest {settings.digest}, found {found.digest}; the files of this "
            "version have changed since it was pinned: register a new version instead",
        )
    if settings.verify_keys:
        _verify(fetched.directory, found.digest, settings.verify_keys)
    return replace(found, run_id=settings.run_id or found.run_id)


def _verify(directory: Path, digest: str, keys: tuple[str, ...]) -> None:
    from podium.core import model_signing  # noqa: PLC0415  cryptography takes 30 ms, and few models are signed

    file = directory / model_signing.FILE
    bundle = file.read_bytes() if file.is_file() and file.stat().st_size <= model_signing.LARGEST else None
    try:
        model_signing.verify(bundle, digest, keys)
    except model_signing.NotVerified as error:
        raise StartError(
            Exit.SIGNATURE_NOT_VERIFIED,
            f"the model's files are not signed as PODIUM_VERIFY_KEYS requires: {error}; sign them, and register them "
            "as a new version",
        ) from error


def load_model(directory: Path, extra_columns: ExtraColumns = ExtraColumns.REFUSE) -> Model:
    """Return the model in a folder. Raises StartError: it is none, or a package that it needs is not installed."""
    mlflow.models.model.__mlflow_model__ = None  # by which a model from code names itself: not the one before it
    try:
        return Model.load(directory, extra_columns)
    except ModuleNotFoundError as error:
        raise StartError(Exit.REQUIREMENT_MISSING, f"the model needs {error.name}, which is not installed") from error
    except BaseException as error:
        if not isinstance(error, Exception) and not _escapes(error):
            raise
        log.exception("the model cannot be loaded")
        raise StartError(Exit.NOT_LOADED, f"the model cannot be loaded: {type(error).__name__}: {error}") from error


def _silence() -> None:
    """Let warnings pass from here on, by one rule for all.

    They would say the same at every request, and scikit-learn copies every rule for every tree of a forest: with the
    dozen that Python and MLflow bring, 100 trees take 10.0 ms for a row instead of 6.7.
    """
    warnings.resetwarnings()
    warnings.simplefilter("ignore")


def _warm_up(scorer: Scorer, directory: Path) -> Rows | None:
    """Answer the model's own input example, by the same code that will answer requests.

    Returns its rows, where the model's plan can express them.
    """
    example = directory / SERVING_EXAMPLE
    if not example.exists():
        log.warning("no warm-up: the model was logged without an input example (log_model(…, input_example=…))")
        return None
    try:
        ask = invocations.read(example.read_bytes(), JSON, scorer)
        scorer.answer(ask)
    except Fault as error:
        raise _warm_up_failed(error.message) from error
    except BaseException as error:
        if not _escapes(error):
            raise
        raise _warm_up_failed(f"the model raised {type(error).__name__}") from error
    return ask.rows


def _warm_up_failed(why: str) -> StartError:
    return StartError(Exit.WARM_UP_FAILED, f"the model cannot answer its own input example: {why}")
