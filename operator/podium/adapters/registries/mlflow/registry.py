"""The Registry port: look, move the alias, write the tags."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import partial
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion as Entry

from podium.adapters.registries.mlflow import claims, process
from podium.adapters.registries.mlflow.artifacts import artifacts_named, digest_of_version, files_at, keep_text
from podium.adapters.registries.mlflow.digests import TIMEOUT, Digests
from podium.adapters.registries.mlflow.faults import Target, asking
from podium.adapters.registries.mlflow.logins import LOGIN_VARIABLES, logged_in
from podium.adapters.registries.mlflow.plain_text import plain, plain_uri
from podium.adapters.registries.mlflow.revisions import FEW, TOGETHER, a_page, revisions_of
from podium.adapters.registries.mlflow.signatures import Signatures
from podium.adapters.registries.mlflow.signed import Signed
from podium.adapters.registries.mlflow.versions import LONGEST_KEY, LONGEST_VALUE, Registered, bounded_tags
from podium.adapters.registries.mlflow.workers import NoSeatError, Workers
from podium.adapters.seats import Limits
from podium.api.v1alpha1 import reasons
from podium.core.facts import ModelVersion, RegistryState
from podium.errors import NotFound, Temporary, Unavailable
from podium.ports import RegistryLogin, RegistryQuery

T = TypeVar("T")
DEADLINE = 8.0  # seconds for a look or a write: some ten requests, each of which takes a few milliseconds


class MlflowRegistry:
    """MLflow, asked in threads by its own client. For one event loop; close it at the end."""

    login_variables = LOGIN_VARIABLES

    def __init__(self, *, deadline: float = DEADLINE, digest_timeout: float = TIMEOUT) -> None:
        process.prepare()
        self._deadline = deadline
        # A thread is made where none is free.
        self._asks = Workers("mlflow-ask", Limits(whole=256, tenant=16, place=8, own=4))
        self._downloads = Workers("mlflow-digest", Limits(whole=64, tenant=4, place=4, own=2))
        self._digests = Digests(digest_timeout)
        self._signatures = Signatures()
        self._signed = Signed()

    async def query(self, query: RegistryQuery) -> RegistryState:
        """Return all that the query asks for, the champion's digest left out: the status has it pinned.

        Raises NotFound, Rejected or Unavailable with a reason constant if the desired version cannot be had,
        and Temporary while its digest is being made. A champion that is gone is None, not an error.
        """
        seen, entry, beside = await self._ask(query.login, "a look", lambda: _look(query, self._signatures))
        if entry is not None and seen.desired is not None:
            digest = await self._desired_digest(query, entry, seen.desired.version)
            seen = replace(seen, desired=replace(seen.desired, digest=digest))
            if query.public_keys:
                check = partial(self._signed.check, query.login, entry, digest, query.public_keys)
                await self._ask(query.login, f"the signature of {artifacts_named(entry)}", check)
        if query.champion_digest and beside is not None and not await self._is_champion(query, beside):
            return replace(seen, champion=None)
        return seen

    async def revisions(self, login: RegistryLogin, models: AbstractSet[str]) -> Mapping[str, str]:
        """Where there are many of them, by some pages of all models; the others, and few of them, one after the other.

        Raises Rejected or Unavailable.
        """
        found = await self._listed(login, models) if len(models) > FEW else {}
        left = sorted(models - found.keys())
        for begin in range(0, len(left), TOGETHER):
            some = left[begin : begin + TOGETHER]
            work = partial(revisions_of, login, some)
            found |= await self._ask(login, f"{len(some)} registered models", work)
        return found

    async def _listed(self, login: RegistryLogin, models: AbstractSet[str]) -> dict[str, str]:
        """Of these models, those on the pages that are worth a look: one for each few of them."""
        found: dict[str, str] = {}
        token: str | None = None
        for _ in range(len(models) // FEW):
            page, token = await self._ask(login, "its registered models", partial(a_page, login, token))
            found |= {name: revision for name, revision in page.items() if name in models}
            if not token or len(found) == len(models):
                break
        return found

    async def claim_alias(self, login: RegistryLogin, model: str, alias: str, owner: str, replaces: str) -> None:
        """Raises NotFound, Rejected or Unavailable."""
        work = partial(claims.claim, login, model, alias, owner, replaces)
        await self._ask(login, claims.target_of(login, model, alias).what, work, one_by_one=model)

    async def release_alias(self, login: RegistryLogin, model: str, alias: str, owner: str) -> None:
        """Raises Rejected or Unavailable."""
        work = partial(claims.release, login, model, alias, owner)
        await self._ask(login, claims.target_of(login, model, alias).what, work, one_by_one=model)

    async def move_alias(self, login: RegistryLogin, model: str, alias: str, version: str, owner: str = "") -> None:
        """Let the alias point to the version, whatever it pointed to. Raises NotFound, Rejected or Unavailable."""
        what = f'alias {plain(alias)} on version {plain(version)} of registered model "{plain(model)}"'
        advice = "It has been deleted: select another version in spec.model"
        target = Target(login, what, "spec.registry.aliases", reasons.VERSION_NOT_FOUND, advice)

        def move() -> None:
            if owner:
                claims.refuse_others(login, model, alias, owner)
            with asking(target):
                _client(login).set_registered_model_alias(model, alias, version)

        await self._ask(login, what, move, one_by_one=model)

    async def write_tags(self, login: RegistryLogin, model: str, version: str, tags: Mapping[str, str]) -> None:
        """Set these tags on the version, and leave its others. Raises NotFound, Rejected or Unavailable.

        Values are cut to 5,000 characters, the limit of MLflow 3.0; newer ones take 100,000.
        """
        what = f'tags on version {plain(version)} of registered model "{plain(model)}"'
        advice = "It has been deleted: nothing is left to record"
        target = Target(login, what, "the record of a decision", reasons.VERSION_NOT_FOUND, advice)

        def write() -> None:
            client = _client(login)
            with asking(target):
                for key, value in tags.items():
                    client.set_model_version_tag(model, version, key[:LONGEST_KEY], value[:LONGEST_VALUE])

        await self._ask(login, what, write, one_by_one=model)

    async def write_record(self, login: RegistryLogin, model: str, version: str, path: str, text: str) -> None:
        """Keep the text as an artifact of the version's run. Raises NotFound, Rejected or Unavailable.

        A version whose source is its run's whole folder would change with it, and its digest too: it gets none.
        """
        what = f'a record in the run of version {plain(version)} of registered model "{plain(model)}"'
        advice = "It has been deleted: nothing is left to record"
        target = Target(login, what, "the record of a decision", reasons.VERSION_NOT_FOUND, advice)

        def write() -> None:
            client = _client(login)
            with asking(target):
                entry = client.get_model_version(model, version)
                run = client.get_run(entry.run_id) if entry.run_id else None
                whole = {f"runs:/{entry.run_id}", run.info.artifact_uri.rstrip("/") if run else ""}
                if run is not None and (entry.source or "").rstrip("/") not in whole:
                    keep_text(files_at(login, run.info.artifact_uri, target), path, text)

        await self._ask(login, what, write)

    async def close(self) -> None:
        """Let go of the threads. What has begun in them ends by itself."""
        await self._digests.close()
        self._asks.close()
        self._downloads.close()

    async def _is_champion(self, query: RegistryQuery, entry: Entry) -> bool:
        """Whether it has the bytes of the champion, which was pinned from another registry."""
        try:
            return await self._digest(query.login, entry) == query.champion_digest
        except NotFound:
            return False

    async def _desired_digest(self, query: RegistryQuery, entry: Entry, version: str) -> str:
        try:
            return await self._digest(query.login, entry, query.pin(version))
        except Unavailable as error:
            # The registry has answered; it is where the files are that does not.
            raise Temporary(str(error), reason=error.reason) from error

    async def _digest(self, login: RegistryLogin, entry: Entry, pinned: str = "") -> str:
        def hashed() -> str:
            with logged_in(login):
                return digest_of_version(login, entry)

        def make() -> Awaitable[str]:
            return self._downloads.run(login.tenant, login.uri, hashed)

        return await self._digests.of(_key(login, entry), artifacts_named(entry), make, pinned, login.tenant)

    async def _ask(self, login: RegistryLogin, what: str, work: Callable[[], T], *, one_by_one: str = "") -> T:
        """Writes to one model are `one_by_one`: what was given up and still goes on must not land after the next."""

        def with_login() -> T:
            with logged_in(login):
                return work()

        try:
            one_by_one = one_by_one and f"{login.uri} {one_by_one}"
            return await self._asks.run(
                login.tenant, login.uri, with_login, deadline=self._deadline, one_by_one=one_by_one
            )
        except NoSeatError as error:
            raise Temporary(
                f"could not read {what} yet: namespace {login.tenant} asks as many other registries as it may at the "
                "same time, and they do not answer. Check spec.registry.uri of its ModelDeployments",
                reason=reasons.REGISTRY_QUEUED,
            ) from error
        except TimeoutError as error:
            raise Unavailable(
                f"could not read {what}: the registry {plain_uri(login.uri)} did not answer within "
                f"{self._deadline:g} s. Check that it runs, and spec.registry.uri",
                reason=reasons.REGISTRY_UNREACHABLE,
            ) from error


def _look(query: RegistryQuery, signatures: Signatures) -> tuple[RegistryState, Entry | None, Entry | None]:
    """All of a look but the digests, with the entries of the desired version and the champion. Blocking."""
    model = Registered(query.login, query.model)

    def facts(entry: Entry) -> ModelVersion:
        seen = model.facts(entry)
        if not query.signatures:
            return seen
        return replace(seen, signature=signatures.of(_key(query.login, entry), query.login, entry))

    entry = model.desired(query.version, query.desired_alias) if query.names_desired else None
    desired = facts(entry) if entry is not None else None
    same = desired is not None and query.champion == desired.version and query.champion_model in {"", query.model}
    champion, beside = (desired, entry) if same else _champion(query, model, facts)
    seen = RegistryState(
        desired=desired,
        champion=champion,
        alias=model.alias(query.champion_alias),
        claim=model.claim(query.champion_alias),
        tags=_records(model, query, entry),
        revision=model.revision,
    )
    return seen, entry, beside


def _champion(
    query: RegistryQuery, model: Registered, facts: Callable[[Entry], ModelVersion]
) -> tuple[ModelVersion | None, Entry | None]:
    if query.champion is None:
        return None, None
    try:
        other = query.champion_model not in {"", query.model}
        entry = (Registered(query.login, query.champion_model) if other else model).entry(query.champion)
        return facts(entry), entry
    except NotFound:
        return None, None  # it serves all the same; the gates that need it say that it is gone


def _records(model: Registered, query: RegistryQuery, entry: Entry | None) -> Mapping[str, Mapping[str, str]]:
    known = {str(entry.version): bounded_tags(entry.tags)} if entry is not None else {}
    found = ((version, known.get(version) or model.own_tags(version)) for version in query.record)
    return {version: tags for version, tags in found if tags is not None}


def _client(login: RegistryLogin) -> MlflowClient:
    return MlflowClient(tracking_uri=login.uri, registry_uri=login.uri)


def _key(login: RegistryLogin, entry: Entry) -> Hashable:
    """What a digest is remembered by: each login sees for itself, and a version made again under an old number is new.

    The time of the last update is not in it: writing our own tags would change it.
    """
    made = (entry.creation_timestamp, entry.source, entry.run_id)
    return login.uri, frozenset(login.variables.items()), entry.name, str(entry.version), made
