"""The registry as a value with methods: what `podium models` shows and changes."""

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self

from podium.adapters.registries.mlmodel import FILE, LARGEST, parse
from podium.core.semantic_versions import TAG as SEMVER
from podium.core.semantic_versions import SemanticVersion, difference, proposed
from podium.core.signature import Signature
from podium.core.version_lifecycle import TAG as LIFECYCLE
from podium.core.version_lifecycle import Stage, refusal
from podium.errors import NotFound, Rejected
from podium.registry import versions as read
from podium.registry.files import Downloaded, Files
from podium.registry.rest import Login, Rest, place
from podium.registry.versions import CHAMPION, DIGEST, PREFIX, Comparison, Details, RegisteredModel, Version

MOST: Final = 100  # versions, where no number is given
_PAGE: Final = 1_000  # of MLflow's searches
_EXPERIMENTS: Final = 20  # that are asked for runs of one list
_KEY: Final = re.compile(r"[\w./ -]{1,250}")
_UNREAD: Final = re.compile(r"'")


class Registry:
    """An MLflow server. May be used from several threads."""

    def __init__(
        self,
        uri: str = "",
        *,
        login: Mapping[str, str] = os.environ,
        champion: str = CHAMPION,
        timeout: float = 30.0,
    ) -> None:
        """Without `uri`, MLFLOW_TRACKING_URI. `login` holds MLflow's variables of a login: MLFLOW_TRACKING_USERNAME and
        MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN. `champion` is the alias of production; `timeout` in seconds.

        Raises Rejected where there is no address, or none of an MLflow server.
        """
        self.champion = champion
        self.rest = Rest(place(uri, login), Login(login), timeout)
        self._files = Files(self.rest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open between calls."""

    @property
    def uri(self) -> str:
        """Its address."""
        return self.rest.uri

    def models(self, *, most: int = MOST) -> list[RegisteredModel]:
        """The registered models, by name."""
        what = "its registered models"
        pages = self._pages(lambda page: self.rest.get("registered-models/search", what, **page), what)
        with self.rest.understood(what):
            found = (each for page in pages for each in page.get("registered_models") or ())
            return [read.registered_model(each) for each in islice(found, most)]

    def model(self, name: str) -> RegisteredModel:
        """One registered model. Raises NotFound, with the names that are there."""
        try:
            found = self.rest.get("registered-models/get", f'registered model "{name}"', name=name)
        except NotFound as error:
            there = ", ".join(each.name for each in self.models(most=10)) or "none"
            raise NotFound(f'registered model "{name}" not found at {self.uri}: there are {there}') from error
        with self.rest.understood(f'registered model "{name}"'):
            return read.registered_model(found["registered_model"])

    def versions(self, model: str, *, most: int = MOST, metrics: bool = True) -> list[Version]:
        """The newest versions of a model, the newest first; with their runs' metrics and params where asked for.

        Raises NotFound where there is no such model.
        """
        with ThreadPoolExecutor(2) as both:
            asked = both.submit(self.model, model)
            entries = list(islice(self._entries(model), most))
            aliases = asked.result().aliases
        with self.rest.understood(f"versions of {model}"):
            runs = self._runs({str(each.get("run_id") or "") for each in entries} - {""}) if metrics else {}
            found = [
                read.version(each, aliases, self.champion, runs.get(str(each.get("run_id") or ""))) for each in entries
            ]
            return sorted(found, key=lambda each: int(each.number), reverse=True)

    def version(self, model: str, number: str) -> Version:
        """One version, by its number or by an alias. Raises NotFound, with the versions and aliases that are there."""
        about = self.model(model)
        wanted = about.aliases.get(number, number)
        if not wanted.isdigit():
            raise NotFound(self._no_version(about, number))
        try:
            found = self.rest.get("model-versions/get", f"version {wanted} of {model}", name=model, version=wanted)
        except NotFound as error:
            raise NotFound(self._no_version(about, number)) from error
        with self.rest.understood(f"version {wanted} of {model}"):
            entry = found["model_version"]
            return read.version(entry, about.aliases, self.champion, self._run(str(entry.get("run_id") or "")))

    def details(self, model: str, number: str, *, digest: bool = False) -> Details:
        """All of a version. With `digest`, its files are read, and the digest is made as Podium pins it."""
        found = self.version(model, number)
        hashed = self._files.digest(found) if digest else None
        return Details(
            found,
            self.signature(found),
            hashed.digest if hashed is not None else found.tags.get(DIGEST, ""),
            tuple(hashed.files) if hashed is not None else (),
        )

    def compare(self, model: str, one: str, other: str) -> Comparison:
        """Two versions, and what the second is for those who call the first."""
        first, second = self.version(model, one), self.version(model, other)
        signatures = [(each, self.signature(each)) for each in (first, second)]
        without = [each.number for each, signature in signatures if signature is None]
        if without:
            return Comparison(first, second, None, f"no signature: version {' and version '.join(without)}")
        was, now = (signature for _, signature in signatures if signature is not None)
        return Comparison(first, second, difference(was, now))

    def proposed(self, model: str, number: str, base: str | None = None) -> SemanticVersion | None:
        """The semantic version that fits the signature of a version, after the champion's or the base's.

        1.0.0 where there is no champion, or it has no semantic version. None where a signature is missing.
        """
        everyone = self.versions(model, most=10_000, metrics=False)
        version = self.version(model, number)
        before = next((each for each in everyone if _is_base(each, base)), None)
        taken = {each.semver for each in everyone if each.semver is not None and each.number != version.number}
        if before is None or before.semver is None or before.number == version.number:
            return proposed(None, difference(Signature(), Signature()).step, taken)
        was, now = self.signature(before), self.signature(version)
        if was is None or now is None:
            return None
        return proposed(before.semver, difference(was, now).step, taken)

    def signature(self, version: Version) -> Signature | None:
        """The version's signature, None where it has none or its file is gone."""
        what = f"{FILE} of version {version.number} of {version.model}"
        asked = {"name": version.model, "version": version.number, "path": FILE}
        try:
            text = self.rest.text("/model-versions/get-artifact", what, LARGEST, **asked)
        except (NotFound, Rejected):
            return None
        return parse(text.decode(errors="replace"))

    def set_tags(self, model: str, number: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version, and leave its others. Raises Rejected for a key that MLflow refuses."""
        for key, value in tags.items():
            if not _KEY.fullmatch(key):
                raise Rejected(
                    f"expected a tag of letters, digits, _ - . / and spaces, at most 250, found {key[:60]!r}"
                )
            body = {"name": model, "version": number, "key": key, "value": value}
            self.rest.post("model-versions/set-tag", f"version {number} of {model}", body)

    def remove_tags(self, model: str, number: str, keys: Iterable[str]) -> None:
        """Remove tags of a version; those that it has not are no error."""
        for key in keys:
            body = {"name": model, "version": number, "key": key}
            self.rest.delete("model-versions/delete-tag", f"version {number} of {model}", body)

    def move(self, model: str, number: str, to: Stage) -> Version:
        """Let the version be in another stage of its life. Raises Rejected for an illegal move, with the legal ones."""
        there = self.version(model, number)
        refused = refusal(there.number, there.stage, to)
        if refused and there.stage is not to:
            raise Rejected(refused)
        if there.tags.get(LIFECYCLE) != to:
            self.set_tags(model, there.number, {LIFECYCLE: to})
        return there

    def point(self, model: str, alias: str, number: str) -> None:
        """Let the alias name this version, whatever it named before."""
        body = {"name": model, "alias": alias, "version": number}
        self.rest.post("registered-models/alias", f"alias {alias} of {model}", body)

    def set_semver(self, model: str, number: str, semver: SemanticVersion) -> None:
        """Give a version its semantic version. Raises Rejected where another version has it."""
        for each in self.versions(model, most=10_000, metrics=False):
            if each.semver == semver and each.number != number:
                raise Rejected(f"expected a semantic version of its own, found {semver} on version {each.number}")
        self.set_tags(model, number, {SEMVER: str(semver)})

    def download(self, version: Version, to: Path) -> Downloaded:
        """The version's files in a folder, whole or not at all. A folder that has them already is left as it is.

        Raises Rejected where they are not what Podium recorded.
        """
        return self._files.download(version, to, expected=version.tags.get(DIGEST, ""))

    def _no_version(self, about: RegisteredModel, number: str) -> str:
        aliases = ", ".join(f"{alias} → {to}" for alias, to in sorted(about.aliases.items())) or "none"
        newest = about.newest or "none"
        named = f'version or alias {number} of registered model "{about.name}"'
        return f"{named} not found; newest: {newest}, aliases: {aliases}"

    def _entries(self, model: str) -> Iterable[Any]:
        """The versions' entries, the newest first."""
        if _UNREAD.search(model):
            raise Rejected(f"expected a model's name without quotes, found {model}: MLflow cannot search for it")
        query = {"filter": f"name = '{model}'", "order_by": "version_number DESC", "max_results": _PAGE}
        what = f"versions of {model}"
        with self.rest.understood(what):
            for page in self._pages(lambda page: self.rest.get("model-versions/search", what, **query, **page), what):
                yield from page.get("model_versions") or ()

    def _pages(self, ask: Callable[[dict[str, str]], Any], what: str) -> Iterable[Any]:
        """Each once. Raises Rejected for a server that names a page again: it would be asked for ever."""
        token, seen = "", {""}
        while True:
            page = ask({"page_token": token} if token else {})
            yield page
            token = str(page.get("next_page_token") or "")
            if not token:
                return
            if token in seen:
                raise Rejected(f"could not read {what}: {self.uri} names the same page again as the next one")
            seen.add(token)

    def _run(self, run: str) -> Any | None:
        if not run:
            return None
        with suppress(NotFound):
            return self.rest.get("runs/get", f"run {run}", run_id=run)["run"]
        return None

    def _runs(self, wanted: set[str]) -> dict[str, Any]:
        """The runs by id. MLflow searches within experiments, which a version does not name: its run does."""
        found: dict[str, Any] = {}
        left = sorted(wanted)
        for _ in range(_EXPERIMENTS):
            if not left:
                return found
            first = self._run(left.pop(0))
            if first is None:
                continue
            found[str(first["info"]["run_id"])] = first
            found |= self._of_experiment(str(first["info"]["experiment_id"]), left)
            left = [run for run in left if run not in found]
        return found | {run: each for run in left if (each := self._run(run)) is not None}

    def _of_experiment(self, experiment: str, runs: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for begin in range(0, len(runs), _PAGE):
            names = ", ".join(f"'{run}'" for run in runs[begin : begin + _PAGE] if run.isalnum())
            body = {
                "experiment_ids": [experiment],
                "filter": f"attributes.run_id IN ({names})",
                "max_results": _PAGE,
                "run_view_type": "ALL",
            }
            page = self.rest.post("runs/search", "the runs of its versions", body) if names else {}
            found |= {str(each["info"]["run_id"]): each for each in page.get("runs") or ()}
        return found


def _is_base(version: Version, base: str | None) -> bool:
    return version.stage is Stage.CHAMPION if base is None else version.number == base


def own_tags(keys: Iterable[str]) -> list[str]:
    """Those of the keys that Podium keeps itself, which no person sets by hand."""
    return sorted(key for key in keys if key.startswith(PREFIX))
