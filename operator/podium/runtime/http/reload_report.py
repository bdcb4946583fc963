"""What became of the watched file's words, as /metrics tells it: a proof beside podium_model_info."""

from collections.abc import Iterator
from enum import StrEnum

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric


class State(StrEnum):
    """How far the version is that the file names."""

    LOADING = "loading"
    SERVED = "served"
    FAILED = "failed"  # and the version before it goes on


class ReloadReport:
    """The newest word and its state, and how reloads ended since the start of the process."""

    def __init__(self, digest: str, *, hook: bool) -> None:
        self._now = digest, State.SERVED, ""
        self._ends = {"ok": 0, "failed": 0}
        self._calls = {"ok": 0, "failed": 0}
        self._hook = hook
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def loading(self, digest: str) -> None:
        """The version of this digest is being loaded."""
        self._now = digest, State.LOADING, ""

    def served(self, digest: str) -> None:
        """The version of this digest serves."""
        self._now = digest, State.SERVED, ""

    def swapped(self, digest: str) -> None:
        """It serves now, in the place of another one."""
        self._ends["ok"] += 1
        self.served(digest)

    def failed(self, digest: str, reason: str) -> None:
        """`digest` is empty where the file cannot be read; `reason` is the name of an exit code."""
        self._ends["failed"] += 1
        self._now = digest, State.FAILED, reason

    def hook_called(self, *, ok: bool) -> None:
        """The hook was called, and answered so."""
        self._calls["ok" if ok else "failed"] += 1

    def render(self) -> bytes:
        """Return it in Prometheus's text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families: prometheus_client's protocol for custom collectors."""
        text = "The version that PODIUM_MODEL_FILE names, and how far it is."
        info = GaugeMetricFamily("podium_reload_info", text, labels=("digest", "state", "reason"))
        info.add_metric(self._now, 1)
        yield info
        yield _counted("podium_reloads", "Reloads in place by their end.", self._ends)
        if self._hook:
            yield _counted("podium_reload_hook_calls", "Calls of PODIUM_RELOAD_HOOK by their end.", self._calls)


def _counted(name: str, text: str, counts: dict[str, int]) -> Metric:
    counter = CounterMetricFamily(name, text, labels=("outcome",))
    for outcome, count in counts.items():
        counter.add_metric((outcome,), count)
    return counter
