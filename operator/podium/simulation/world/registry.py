"""A model registry in memory, with the meaning of the real one: one contract suite runs against both."""

import hashlib
from collections.abc import Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import UTC, datetime

from podium.api.v1alpha1 import reasons
from podium.core.digest import digest_of
from podium.core.evaluations import Evaluation
from podium.core.facts import ModelVersion, RegistryState
from podium.core.model_signing import FILE, NotVerified, verify
from podium.core.signature import Signature
from podium.errors import NotFound, PodiumError, Rejected, Temporary, Unavailable
from podium.ports import RegistryLogin, RegistryQuery

USERNAME, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"


@dataclass
class FakeVersion:
    """A version of a registered model, with all that its run and it carry."""

    version: str
    files: MutableMapping[str, bytes]
    metrics: Mapping[str, float]
    run_tags: Mapping[str, str]
    tags: MutableMapping[str, str]
    status: str = "READY"
    created: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    evaluations: tuple[Evaluation, ...] = ()  # the newest last
    signature: Signature | None = None
    records: MutableMapping[str, str] = field(default_factory=dict)  # artifacts of its run, by path

    @property
    def origin(self) -> str:
        """What logged it."""
        return hashlib.sha256(self.version.encode()).hexdigest()[:32]

    @property
    def digest(self) -> str:
        """The digest of its files."""
        return digest_of({path: hashlib.sha256(content).hexdigest() for path, content in self.files.items()})


@dataclass
class FakeModel:
    """A registered model."""

    versions: MutableMapping[str, FakeVersion] = field(default_factory=dict)
    aliases: MutableMapping[str, str] = field(default_factory=dict)
    claims: MutableMapping[str, str] = field(default_factory=dict)  # alias -> who may write it


@dataclass
class FakeRegistry:
    """The Registry port without a server. What happened to it is in its fields: tests read and change them."""

    login_variables = (USERNAME, PASSWORD)

    models: MutableMapping[str, FakeModel] = field(default_factory=dict)
    users: Mapping[str, str] | None = None  # name -> password; None: every user may do everything
    readers: frozenset[str] = frozenset()  # users that may only look
    unreachable: bool = False
    failure: PodiumError | None = None  # raised by everything while it is set
    dead: frozenset[str] = frozenset()  # URIs where no server answers
    pending_digests: bool = False  # as while a big model is being downloaded
    writes: list[str] = field(default_factory=list)  # every write, in order, in words
    _digests: dict[tuple[str, str], str] = field(default_factory=dict)

    def publish(
        self,
        model: str,
        *,
        files: Mapping[str, bytes] | None = None,
        metrics: Mapping[str, float] | None = None,
        run_tags: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        status: str = "READY",
    ) -> str:
        """Register a new version of the model and return its number. Versions differ in their files by default."""
        versions = self.models.setdefault(model, FakeModel()).versions
        number = str(max(map(int, versions), default=0) + 1)
        content = files if files is not None else {"MLmodel": f"{model} {number}".encode()}
        versions[number] = FakeVersion(
            number, dict(content), dict(metrics or {}), dict(run_tags or {}), dict(tags or {}), status
        )
        return number

    def point(self, model: str, alias: str, version: str) -> None:
        """Set an alias, as a person would."""
        self.models[model].aliases[alias] = version

    def overwrite(self, model: str, version: str, path: str, content: bytes) -> None:
        """Change a file of a version in place. As with the real one, a digest that was made stays as it was."""
        self.models[model].versions[version].files[path] = content

    def restart(self) -> None:
        """Forget what is only in memory, as a restarted operator does."""
        self._digests.clear()

    async def query(self, query: RegistryQuery) -> RegistryState:
        model = self._model(query.login, query.model)
        desired = self._desired(model, query) if query.names_desired else None
        champion = self.models.get(query.champion_model, model).versions.get(query.champion or "")
        if champion is not None and query.champion_digest not in {"", champion.digest}:
            champion = None
        digest = self._digest(query, desired) if desired else ""
        if desired is not None and query.public_keys:
            _verify(desired, digest, query)
        return RegistryState(
            desired=_facts(desired, digest, query) if desired else None,
            champion=_facts(champion, "", query) if champion else None,
            alias=model.aliases.get(query.champion_alias, ""),
            claim=model.claims.get(query.champion_alias, ""),
            tags={name: dict(model.versions[name].tags) for name in query.record if name in model.versions},
            revision=_revision(model),
        )

    async def revisions(self, login: RegistryLogin, models: AbstractSet[str]) -> Mapping[str, str]:
        self._may_be_asked(login)
        return {name: _revision(self.models[name]) for name in sorted(models) if name in self.models}

    async def claim_alias(self, login: RegistryLogin, model: str, alias: str, owner: str, replaces: str) -> None:
        found = self._model(login, model, writes=True)
        if (known := found.claims.get(alias, "")) not in {owner, replaces}:
            raise Rejected(f"alias {alias} of {model} is claimed by {known}", reason=reasons.ALIAS_CONFLICT)
        found.claims[alias] = owner

    async def release_alias(self, login: RegistryLogin, model: str, alias: str, owner: str) -> None:
        self._may_be_asked(login, writes=True)
        if model in self.models and self.models[model].claims.get(alias) == owner:
            del self.models[model].claims[alias]

    async def move_alias(self, login: RegistryLogin, model: str, alias: str, version: str, owner: str = "") -> None:
        found = self._model(login, model, writes=True)
        if owner and (known := found.claims.get(alias, "")) != owner:
            raise Rejected(f"alias {alias} of {model} is claimed by {known}", reason=reasons.ALIAS_CONFLICT)
        self._version(found, model, version)
        found.aliases[alias] = version
        self.writes.append(f"alias {alias} of {model} to {version}")

    async def write_tags(self, login: RegistryLogin, model: str, version: str, tags: Mapping[str, str]) -> None:
        found = self._version(self._model(login, model, writes=True), model, version)
        found.tags.update(tags)
        self.writes.append(f"tags {', '.join(sorted(tags))} of {model} {version}")

    async def write_record(self, login: RegistryLogin, model: str, version: str, path: str, text: str) -> None:
        self._version(self._model(login, model, writes=True), model, version).records[path] = text
        self.writes.append(f"record {path} of {model} {version}")

    def _may_be_asked(self, login: RegistryLogin, *, writes: bool = False) -> None:
        if self.failure is not None:
            raise self.failure
        if self.unreachable or login.uri in self.dead:
            raise Unavailable(f"the registry {login.uri} does not answer", reason=reasons.REGISTRY_UNREACHABLE)
        self._admit(login, writes=writes)

    def _model(self, login: RegistryLogin, name: str, *, writes: bool = False) -> FakeModel:
        self._may_be_asked(login, writes=writes)
        if name not in self.models:
            raise NotFound(f"registered model {name} (spec.model.name) not found", reason=reasons.MODEL_NOT_FOUND)
        return self.models[name]

    def _admit(self, login: RegistryLogin, *, writes: bool) -> None:
        user = login.variables.get(USERNAME, "")
        known = self.users is None or self.users.get(user, "") == login.variables.get(PASSWORD)
        if not known or (writes and user in self.readers):
            raise Rejected(f"the registry {login.uri} refuses the login", reason=reasons.LOGIN_REJECTED)

    def _desired(self, model: FakeModel, query: RegistryQuery) -> FakeVersion:
        if query.desired_alias is not None and query.desired_alias not in model.aliases:
            raise NotFound(f"alias {query.desired_alias} (spec.model.alias) not found", reason=reasons.ALIAS_NOT_FOUND)
        number = query.version or model.aliases[query.desired_alias or ""]
        found = self._version(model, query.model, number)
        if found.status != "READY":
            error = Rejected if found.status == "FAILED_REGISTRATION" else Temporary
            raise error(f"version {number} is {found.status}", reason=reasons.VERSION_NOT_READY)
        return found

    def _version(self, model: FakeModel, name: str, number: str) -> FakeVersion:
        if number not in model.versions:
            raise NotFound(
                f"version {number} of {name} (spec.model.version) not found", reason=reasons.VERSION_NOT_FOUND
            )
        return model.versions[number]

    def _digest(self, query: RegistryQuery, version: FakeVersion) -> str:
        made = query.model, version.version
        if made not in self._digests and (pin := query.pin(version.version)):
            return pin  # the real one reads the files within a day
        if made not in self._digests:
            if self.pending_digests:
                raise Temporary("the artifacts are being downloaded", reason=reasons.DIGEST_PENDING)
            if not version.files:
                raise NotFound(f"the artifacts of {query.model} {version.version}", reason=reasons.ARTIFACTS_MISSING)
            self._digests[made] = version.digest
        return self._digests[made]


def _verify(version: FakeVersion, digest: str, query: RegistryQuery) -> None:
    try:
        verify(version.files.get(FILE), digest, query.public_keys)
    except NotVerified as error:
        raise Rejected(f"version {version.version}: {error}", reason=reasons.SIGNATURE_NOT_VERIFIED) from error


def _revision(model: FakeModel) -> str:
    versions = sorted((version.version, version.status, str(version.created)) for version in model.versions.values())
    return repr((sorted(model.aliases.items()), sorted(model.claims.items()), versions))


def _facts(version: FakeVersion, digest: str, query: RegistryQuery) -> ModelVersion:
    return ModelVersion(
        version=version.version,
        digest=digest,
        metrics=dict(version.metrics),
        tags={**version.run_tags, **version.tags},
        created=version.created,
        evaluations=version.evaluations,
        signature=version.signature if query.signatures else None,
        origin=version.origin,
    )
