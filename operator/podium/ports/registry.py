"""The model registry."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final, Protocol

from podium.core.facts import RegistryState

NO_MODEL: Final = ""  # the revision of a model that is not there


@dataclass(frozen=True)
class RegistryLogin:
    """Where the registry is and how to log in. Never printed: the values are secrets."""

    uri: str
    variables: Mapping[str, str]  # what the registry's adapter needs; the core and the ports do not look into it
    networks: tuple[str, ...] | None = None  # beside the public one, to which it may lead; None: anywhere
    foreign: bool = False  # a tenant named it: what it answers is repeated nowhere, and it redirects nowhere
    tenant: str = ""  # the namespace for which it is asked; "" where the operator asks for all
    ambient: bool = (
        False  # it is the operator's own: what its environment grants, such as a role of its pod, counts too
    )

    def __repr__(self) -> str:
        return f"RegistryLogin({self.uri!r}, {len(self.variables)} variables)"


@dataclass(frozen=True)
class RegistryQuery:
    """What one ModelDeployment wants to know of the registry."""

    login: RegistryLogin
    model: str
    version: str | None  # or desired_alias; with neither, no desired version is asked for
    desired_alias: str | None
    champion: str | None  # version of the status's champion, for comparison
    champion_alias: str
    record: tuple[str, ...] = ()  # versions whose own tags are read, to see whether a decision is recorded
    signatures: bool = False  # whether to read the signatures of both versions: they cost a file each
    champion_model: str = ""  # of the champion, where it is another one than the wanted version's
    champion_digest: str = ""  # which the champion must have: it was pinned from another address. "": not asked
    # Versions of the model, and the digests by which they are pinned already. To know them is to ask for nothing else:
    # an answer stands when a version is pinned.
    pinned: tuple[tuple[str, str], ...] = field(default=(), compare=False)

    public_keys: tuple[str, ...] = ()  # PEM; where there are any, one of them must have signed the desired version

    @property
    def names_desired(self) -> bool:
        """Whether it asks for a desired version."""
        return self.version is not None or self.desired_alias is not None

    def pin(self, version: str) -> str:
        """The digest by which a version of the model is pinned, "" where it is not."""
        return dict(self.pinned).get(version, "")


class Registry(Protocol):
    """The model registry. Each method raises Unavailable, Rejected or NotFound, with a message that says what to do."""

    @property
    def login_variables(self) -> tuple[str, ...]:
        """Names of the variables that make a login: what is read of a Secret."""

    async def query(self, query: RegistryQuery) -> RegistryState:
        """What the registry has on one ModelDeployment's versions and alias, and the model's revision before that."""

    async def revisions(self, login: RegistryLogin, models: AbstractSet[str]) -> Mapping[str, str]:
        """The revision of each of these models: another one whenever an alias moves, and versions come, go or change.

        Tags, metrics and artifacts of a version are no part of it. Models that are not there, or that the login may not
        read, are left out.
        """

    async def claim_alias(self, login: RegistryLogin, model: str, alias: str, owner: str, replaces: str) -> None:
        """Say with the model who writes the alias, and read it again.

        Raises Rejected (AliasConflict) where another claim than `replaces`, or its own, is there before or afterwards.
        """

    async def release_alias(self, login: RegistryLogin, model: str, alias: str, owner: str) -> None:
        """Take the owner's claim away. Another one's stays, and a model that is gone has none."""

    async def move_alias(self, login: RegistryLogin, model: str, alias: str, version: str, owner: str = "") -> None:
        """Make the alias name this version. Raises Rejected (AliasConflict) where not this owner has claimed it.

        Without an owner, claims are not looked at.
        """

    async def write_tags(self, login: RegistryLogin, model: str, version: str, tags: Mapping[str, str]) -> None:
        """Set tags of a version. Other tags stay."""

    async def write_record(self, login: RegistryLogin, model: str, version: str, path: str, text: str) -> None:
        """Keep the text with the version's artifacts, at this path."""
