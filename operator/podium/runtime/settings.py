"""What the server is told from outside, read once from the environment and never changed."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from podium.runtime.environment import Known, Reader
from podium.runtime.exits import Exit, StartError
from podium.runtime.legacy_env import mapped
from podium.runtime.model_file import DIGEST, DIGEST_FORM, Wanted, wanted_by
from podium.runtime.other_slot import OtherSlot
from podium.runtime.preview import Preview
from podium.runtime.reference import Reference, references

LATENCY_EDGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
MOST_THREADS = 1024
MOST_PROCESSES = 64
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_HOST_URL = re.compile(r"http://(?P<host>[A-Za-z0-9.-]{1,253})(:(?P<port>[0-9]{1,5}))?/?")
TERMINATION_LOG = "/dev/termination-log"  # where Kubernetes looks, unless the pod says otherwise


class Batching(StrEnum):
    """Whether requests that wait are joined into one prediction."""

    AUTO = "auto"  # where the flavour and every step are known to predict row by row
    ON = "on"
    OFF = "off"


class HttpServer(StrEnum):
    """What speaks HTTP on the serving port."""

    PODIUM = "podium"
    UVICORN = "uvicorn"


class LogFormat(StrEnum):
    """How the lines of the log are written."""

    TEXT = "text"
    JSON = "json"  # one object a line


class ExtraColumns(StrEnum):
    """What becomes of columns that the signature does not know."""

    REFUSE = "refuse"  # a misspelt optional column would otherwise be dropped in silence
    IGNORE = "ignore"  # as MLflow's server does


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, with the default that is safe in production. Sizes in bytes, times in seconds."""

    references: tuple[Reference, ...]
    source_fallback: bool = False  # whether a reference that fails is replaced by the next
    cache_directory: Path | None = None
    digest: str | None = None
    verify_keys: tuple[str, ...] = ()  # PEM; where there are any, one of them must have signed the files
    model_file: Path | None = None  # names the model instead, and is watched
    reload_hook: str | None = None  # URL that is told of each reload
    reload_seconds: float = 600.0  # for a version to be loaded beside the one that serves
    run_id: str | None = None
    host: str = "::"  # every address, IPv4's too: a pod is reached from outside; `podium serve` says 127.0.0.1
    port: int = 8080
    http: HttpServer = HttpServer.PODIUM
    grpc_port: int | None = None  # None: no gRPC
    drain_seconds: float = 5.0
    latency_edges: tuple[float, ...] = LATENCY_EDGES
    queue_limit: int = 512  # requests waiting for the model
    max_body_bytes: int = 16 * 1024 * 1024
    max_buffered_bytes: int = 256 * 1024 * 1024  # bodies of all clients together
    body_seconds: float = 30.0  # for a request to arrive, from its first byte
    send_seconds: float = 30.0  # for a client to take its answer
    idle_seconds: float = 75.0  # between requests: longer than the 60 s of load balancers, so that they close first
    max_connections: int = 0  # 0: as many as the process may have files, but for some that the model may open
    log_format: LogFormat = LogFormat.TEXT
    request_seconds: float = 60.0  # to answer, unless x-request-timeout says less
    stall_seconds: float = math.inf  # a prediction that runs for longer ends the server
    batching: Batching = Batching.AUTO
    max_batch_rows: int = 4096  # rows that are joined into one prediction
    threads: int = 0  # that predict side by side; 0 leaves it to the flavour
    processes: int = 1  # that predict; more than one have the model loaded beside the process that serves
    extra_columns: ExtraColumns = ExtraColumns.REFUSE
    prediction_log: bool = False
    prediction_log_bodies: float = 0.0  # share of the requests whose input and output are logged, 0 to 1
    requirements_ignored: frozenset[str] = frozenset({"pytest", "rich"})
    termination_log: Path | None = None
    preview: Preview | None = None
    other_slot: OtherSlot | None = None  # None: this server stands alone
    drift: bool = False  # whether rows are counted by the bins of the model's training profile
    traces: bool = False  # a span for each prediction, by OpenTelemetry's own variables

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the PODIUM_* variables.

        Raises StartError: a variable is missing or is not of its type; the message names it.
        """
        known = Known(mapped(environ))
        settings = cls._read(known)
        known.refuse_misspelt()
        file = settings.model_file
        if file is not None and (wanted := wanted_by(file)) is not None:
            return settings.naming(wanted)
        if not settings.references:
            also = f" and {file} names no model" if file is not None else ""
            raise StartError(Exit.BAD_SETTINGS, f"PODIUM_MODEL_URI is not set{also}; expected e.g. models:/churn/7")
        return settings

    def naming(self, wanted: Wanted) -> "Settings":
        """Return the same settings for this version, and for no other."""
        named = (wanted.reference,)
        return replace(self, references=named, digest=wanted.digest, run_id=None, source_fallback=False)

    @classmethod
    def _read(cls, environ: Mapping[str, str]) -> "Settings":
        read = Reader(environ)
        request_seconds = read.seconds("PODIUM_REQUEST_SECONDS", cls.request_seconds)
        max_body_bytes = read.whole("PODIUM_MAX_BODY_BYTES", cls.max_body_bytes)
        return cls(
            references=references(environ),
            source_fallback=read.flag("PODIUM_SOURCE_FALLBACK"),
            cache_directory=read.path("PODIUM_CACHE_DIR"),
            prediction_log=read.flag("PODIUM_PREDICTION_LOG"),
            prediction_log_bodies=read.share("PODIUM_PREDICTION_LOG_BODIES", cls.prediction_log_bodies),
            digest=read.matching("PODIUM_MODEL_DIGEST", DIGEST, DIGEST_FORM),
            verify_keys=_pems(environ.get("PODIUM_VERIFY_KEYS", "")),
            model_file=read.path("PODIUM_MODEL_FILE"),
            reload_hook=read.http_url("PODIUM_RELOAD_HOOK"),
            reload_seconds=read.seconds("PODIUM_RELOAD_SECONDS", cls.reload_seconds),
            run_id=environ.get("PODIUM_MODEL_RUN_ID") or None,
            host=environ.get("PODIUM_HOST") or cls.host,
            port=read.port("PODIUM_PORT", cls.port),
            http=read.choice("PODIUM_HTTP", cls.http),
            grpc_port=read.port("PODIUM_GRPC_PORT", 0) if environ.get("PODIUM_GRPC_PORT") else None,
            drain_seconds=read.seconds("PODIUM_DRAIN_SECONDS", cls.drain_seconds, least=0.0),
            latency_edges=merged(
                read.edges("PODIUM_LATENCY_EDGES", cls.latency_edges), read.edges("PODIUM_LATENCY_LIMITS", ())
            ),
            queue_limit=read.whole("PODIUM_QUEUE_LIMIT", cls.queue_limit),
            max_body_bytes=max_body_bytes,
            max_buffered_bytes=_max_buffered_bytes(read, max_body_bytes),
            send_seconds=read.seconds("PODIUM_SEND_SECONDS", cls.send_seconds),
            body_seconds=read.seconds("PODIUM_BODY_SECONDS", cls.body_seconds),
            idle_seconds=read.seconds("PODIUM_IDLE_SECONDS", cls.idle_seconds),
            max_connections=read.whole("PODIUM_MAX_CONNECTIONS", cls.max_connections),
            log_format=read.choice("PODIUM_LOG_FORMAT", cls.log_format),
            request_seconds=request_seconds,
            stall_seconds=_stall_seconds(read, request_seconds),
            batching=read.choice("PODIUM_BATCHING", cls.batching),
            max_batch_rows=read.whole("PODIUM_MAX_BATCH_ROWS", cls.max_batch_rows),
            threads=_threads(read),
            processes=read.whole("PODIUM_PROCESSES", cls.processes, most=MOST_PROCESSES),
            extra_columns=read.choice("PODIUM_EXTRA_COLUMNS", cls.extra_columns),
            requirements_ignored=read.names("PODIUM_REQUIREMENTS_IGNORED", cls.requirements_ignored),
            termination_log=termination_log(environ),
            preview=_preview(read, environ),
            other_slot=_other_slot(read),
            drift=read.flag("PODIUM_DRIFT"),
            traces=traces(environ),
        )

    @property
    def members(self) -> int:
        """How many processes predict beside the one that serves; 0 where that one predicts itself."""
        return self.processes if self.processes > 1 else 0


def _pems(text: str) -> tuple[str, ...]:
    """Public keys, one after the other. Raises StartError where something else is among them."""
    if re.sub(_PEM, "", text).strip():
        raise StartError(Exit.BAD_SETTINGS, "PODIUM_VERIFY_KEYS: expected public keys as PEM, one after the other")
    return tuple(re.findall(_PEM, text))


def _threads(read: Reader) -> int:
    """Return how many threads predict; of several processes, each predicts one request at a time."""
    threads = read.whole("PODIUM_THREADS", Settings.threads, most=MOST_THREADS)
    alone = threads == 0 or read.whole("PODIUM_PROCESSES", 1, most=MOST_PROCESSES) == 1
    read.refuse_unless(alone, "PODIUM_THREADS", "no value beside PODIUM_PROCESSES, each of which predicts alone")
    return threads


def _stall_seconds(read: Reader, request_seconds: float) -> float:
    """Return after how long a prediction ends the server: not before its request may still be answered."""
    found = read.seconds("PODIUM_STALL_SECONDS", 2 * request_seconds, least=0.0)
    fits = found == 0 or found >= request_seconds
    expected = f"0 for never, or at least PODIUM_REQUEST_SECONDS, {request_seconds:g}"
    read.refuse_unless(fits, "PODIUM_STALL_SECONDS", expected)
    return found or math.inf


def _max_buffered_bytes(read: Reader, max_body_bytes: int) -> int:
    """Return what all bodies together may take: one of the largest finds room at least."""
    found = read.whole("PODIUM_MAX_BUFFERED_BYTES", max(Settings.max_buffered_bytes, max_body_bytes))
    expected = f"at least PODIUM_MAX_BODY_BYTES, {max_body_bytes}"
    read.refuse_unless(found >= max_body_bytes, "PODIUM_MAX_BUFFERED_BYTES", expected)
    return found


def merged(edges: tuple[float, ...], limits: tuple[float, ...]) -> tuple[float, ...]:
    """Return the edges with an edge at each limit that the operator's guards ask about."""
    return tuple(sorted({*edges, *limits}))


def traces(environ: Mapping[str, str]) -> bool:
    """Return whether OpenTelemetry's standard variables ask for traces: an endpoint, or the exporter by its name.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip()
    named = environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    return not off and (exporter == "otlp" or (not exporter and bool(named)))


def _preview(read: Reader, environ: Mapping[str, str]) -> Preview | None:
    """Return how testers' requests are known, or None where there are none."""
    header = read.matching("PODIUM_PREVIEW_HEADER", _HEADER_NAME, "the name of an HTTP header")
    value = environ.get("PODIUM_PREVIEW_VALUE")
    if value and not header:
        raise StartError(Exit.BAD_SETTINGS, "PODIUM_PREVIEW_VALUE is set without PODIUM_PREVIEW_HEADER; set both")
    return Preview.of(header, value) if header else None


def _other_slot(read: Reader) -> OtherSlot | None:
    """Return where requests that fail here are sent, or copies alone, or None where there is no other slot."""
    number = read.whole("PODIUM_TRIAL_NUMBER", 0, least=0)
    url = read.matching("PODIUM_FALLBACK_URL", _HOST_URL, "http://HOST or http://HOST:PORT")
    copied = read.matching("PODIUM_SHADOW_URL", _HOST_URL, "http://HOST or http://HOST:PORT")
    after = read.seconds("PODIUM_FALLBACK_AFTER", 0.0, least=0.0)
    for name, given in (("PODIUM_FALLBACK_URL", url), ("PODIUM_SHADOW_URL", copied)):
        read.refuse_unless(number > 0 or given is None, "PODIUM_TRIAL_NUMBER", f"a number above 0 beside {name}")
    read.refuse_unless(copied is None or url is None, "PODIUM_SHADOW_URL", "no value beside PODIUM_FALLBACK_URL")
    if number == 0:
        return None
    found = _HOST_URL.fullmatch(url or copied or "")
    if found is None:
        return OtherSlot(number)
    return OtherSlot(number, found["host"], int(found["port"] or 80), after or None, fallback=url is not None)


def termination_log(environ: Mapping[str, str]) -> Path | None:
    """Return the file in which Kubernetes reads why a container ended, or None where there is none."""
    if named := environ.get("PODIUM_TERMINATION_LOG"):
        return Path(named)
    default = Path(TERMINATION_LOG)
    return default if default.exists() else None
