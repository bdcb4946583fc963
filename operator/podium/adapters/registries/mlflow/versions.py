"""What MLflow says of a model version: itself, its run, and the logged model that it was made from.

MLflow 3 keeps a model apart from the run that logged it, and metrics may be on either. The version's `source` names the
logged model (`models:/m-…`); the API has no field for it yet.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.entities.model_registry import ModelVersion as Entry

from podium.adapters.registries.mlflow.claims import claim_of
from podium.adapters.registries.mlflow.evaluations import evaluated_on, evaluations, measured_on
from podium.adapters.registries.mlflow.faults import Target, asking
from podium.adapters.registries.mlflow.plain_text import plain
from podium.adapters.registries.mlflow.revisions import revision_of
from podium.adapters.registries.mlflow.times import moment
from podium.adapters.registries.mlflow.values import true_values, with_infinity
from podium.api.v1alpha1 import reasons
from podium.core.facts import ModelVersion
from podium.errors import NotFound, Rejected, Temporary
from podium.ports import RegistryLogin

MOST_METRICS = 10_000  # of one version; more are not read
MOST_TAGS = 1_000
LONGEST_KEY = 250  # MLflow's own limit
LONGEST_VALUE = 5_000  # characters of a tag; the rest is not read
LOGGED_MODEL: Final = re.compile(r"models:/+(?P<id>m-[0-9A-Za-z]{1,64})/?")
_COPIED = re.compile(r"models:/+(?!m-[0-9A-Za-z]+/?$)[^/]+/[^/]+/?")  # copy_model_version: models:/<name>/<version>
_PLACE = re.compile(r"/models/(?P<id>m-[0-9A-Za-z]{1,64})/artifacts/?$")
_RUN_ID = re.compile(r"[0-9A-Za-z][\w-]{0,255}")
_READY, _FAILED = "READY", "FAILED_REGISTRATION"


class Registered:
    """One registered model, seen with one login. Blocking: for use in a thread."""

    def __init__(self, login: RegistryLogin, model: str) -> None:
        self.login, self.model = login, model
        self.client = MlflowClient(tracking_uri=login.uri, registry_uri=login.uri)
        with asking(self._target("it", reasons.MODEL_NOT_FOUND, "spec.model.name", "Register it, or fix the name")):
            self._entity = self.client.get_registered_model(model)

    @property
    def revision(self) -> str:
        """What its aliases and versions were when it was read, see `revision_of`."""
        return revision_of(self._entity)

    def alias(self, alias: str) -> str:
        """Return the version to which the alias points, "" where it is not set."""
        return str(self._entity.aliases.get(alias, ""))

    def claim(self, alias: str) -> str:
        """Return who may write the alias, "" where no one has claimed it."""
        return claim_of(self._entity, alias)

    def desired(self, version: str | None, alias: str | None) -> Entry:
        """Return the version that is named, or that the alias names, once it is ready.

        Raises NotFound or Rejected, and Temporary while the version is still being registered.
        """
        entry = self._followed(alias) if alias is not None else self.entry(version or "")
        if entry.status == _READY:
            return entry
        told = plain(entry.status_message or "the registry gives no reason")
        what = f"{self._named(entry.version)} is {plain(entry.status)}; required: READY ({told}). "
        if entry.status == _FAILED:
            raise Rejected(f"{what}Register it again, as a new version", reason=reasons.VERSION_NOT_READY)
        raise Temporary(f"{what}Wait until it is registered", reason=reasons.VERSION_NOT_READY)

    def entry(self, version: str) -> Entry:
        """Return the version. Raises NotFound."""
        advice = f"Its newest version is {self._newest()}. Register the version, or fix spec.model.version"
        target = self._target(f"version {version}", reasons.VERSION_NOT_FOUND, "spec.model.version", advice)
        with asking(target):
            return self.client.get_model_version(self.model, version)

    def own_tags(self, version: str) -> Mapping[str, str] | None:
        """Return the version's own tags, without its run's, or None where the version is gone."""
        try:
            return bounded_tags(self.entry(version).tags)
        except NotFound:
            return None

    def facts(self, entry: Entry, digest: str = "") -> ModelVersion:
        """Return what the registry knows of the version: the metrics' last values, the run's tags and its own."""
        run, logged = self._run(entry.run_id), self._logged_model(entry)
        of_model = self._metrics(logged, run)
        run_metrics = run.data.metrics if run else {}
        run_tags = run.data.tags if run else {}
        return ModelVersion(
            version=str(entry.version),
            digest=digest,
            # The logged model is this very model, the run may have made several: its metrics come last.
            metrics=bounded_metrics({**run_metrics, **last_values(of_model)}),
            tags=bounded_tags({**run_tags, **entry.tags}),
            created=moment(entry.creation_timestamp),
            measured_on=measured_on(of_model),
            evaluated_on=evaluated_on(run),
            evaluations=evaluations(of_model, run_id_of(entry)),
            origin=run_id_of(entry),
        )

    def _followed(self, alias: str) -> Entry:
        target = self._target(f"alias {alias}", reasons.ALIAS_NOT_FOUND, "spec.model.alias", "")
        if not self.alias(alias) and alias.lower() != "latest":  # MLflow's own alias, which is in no list
            known = ", ".join(sorted(map(str, self._entity.aliases))[:10]) or "none"
            raise NotFound(
                f"{target.what} ({target.field}) not found in {target.place}. Its aliases: "
                f"{plain(known)}. Set the alias, or fix spec.model.alias",
                reason=target.missing,
            )
        with asking(target):
            return self.client.get_model_version_by_alias(self.model, alias)

    def _metrics(self, logged: Any | None, run: Any | None) -> list[Metric]:
        """The logged model's metrics, with their true values."""
        listed = islice((logged.metrics if logged else None) or (), MOST_METRICS)
        return true_values(listed, partial(self._metrics_of, run), self._history_of)

    def _metrics_of(self, own: Any | None, run_id: str) -> dict[str, float] | None:
        run = own if own is not None and own.info.run_id == run_id else self._run(run_id)
        return run.data.metrics if run is not None else None

    def _history_of(self, run_id: str, key: str) -> Sequence[Metric]:
        with asking(self._target(f"a metric of run {run_id}", reasons.REGISTRY_ERROR, "its metrics", "")):
            return list(self.client.get_metric_history(run_id, key))

    def _run(self, run_id: str | None) -> Any | None:
        if not run_id or not _RUN_ID.fullmatch(run_id):
            return None
        try:
            with asking(self._target(f"run {run_id}", reasons.REGISTRY_ERROR, "its metrics", "")):
                return self.client.get_run(run_id)
        except NotFound:
            return None  # deleted for good: the gates say which metrics and tags they miss

    def _logged_model(self, entry: Entry) -> Any | None:
        """The model that was logged. A copy of a version has its original's, which its files' place names."""
        source = entry.source or ""
        try:
            with asking(
                self._target(f"the model of version {entry.version}", reasons.REGISTRY_ERROR, "its metrics", "")
            ):
                if _COPIED.fullmatch(source):
                    source = self._place_as_source(entry)
                found = LOGGED_MODEL.fullmatch(source)
                return self.client.get_logged_model(found["id"]) if found else None
        except NotFound:
            return None

    def _place_as_source(self, entry: Entry) -> str:
        found = _PLACE.search(self.client.get_model_version_download_uri(self.model, entry.version))
        return f"models:/{found['id']}" if found else ""

    def _newest(self) -> str:
        versions = [int(entry.version) for entry in self._entity.latest_versions or [] if str(entry.version).isdigit()]
        return str(max(versions)) if versions else "none"

    def _named(self, version: object) -> str:
        return f'version {plain(version)} of registered model "{plain(self.model)}"'

    def _target(self, what: str, missing: str, field: str, advice: str) -> Target:
        of = f'registered model "{plain(self.model)}"'
        return Target(self.login, of if what == "it" else f"{plain(what)} of {of}", field, missing, advice)


def run_id_of(entry: Entry) -> str:
    """The run's id, "" where there is none or it is no id: it goes into headers and environments."""
    return entry.run_id if entry.run_id and _RUN_ID.fullmatch(entry.run_id) else ""


def last_values(metrics: Iterable[Any]) -> dict[str, float]:
    """The last value of each metric of a logged model, which lists one for each step and data set."""
    ordered = sorted(metrics, key=lambda metric: (metric.step, metric.timestamp))
    return {metric.key: metric.value for metric in ordered}


def bounded_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    """As many metrics as are read, without keys that no gate can name."""
    fit = ((key, with_infinity(value)) for key, value in metrics.items() if len(key) <= LONGEST_KEY)
    return dict(islice(fit, MOST_METRICS))


def bounded_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """As many tags as are read, as far as they are read."""
    fit = ((key, str(value)[:LONGEST_VALUE]) for key, value in tags.items() if len(key) <= LONGEST_KEY)
    return dict(islice(fit, MOST_TAGS))
