"""What one ModelDeployment wants to know of the registry, as spec and status say it."""

from dataclasses import dataclass

from podium.api.v1alpha1.status import Pinned
from podium.core.experiment import named_version
from podium.core.facts import RegistryState
from podium.core.gates import GATE_PHASES, OF_SIGNATURES
from podium.core.permissions.addresses import OF_THE_OPERATOR
from podium.core.permissions.permitted import granted_networks
from podium.core.status.record import unrecorded
from podium.errors import Unavailable
from podium.ports import ModelDeployment, RegistryLogin, RegistryQuery


@dataclass(frozen=True)
class Account:
    """Which registry is asked, with which login, and for whom: one poller asks for all that share it.

    What a namespace names is asked for that namespace alone: others that name the same share no silence with it.
    """

    uri: str | None  # None for the operator's own
    namespace: str  # of the Secret; "" where there is none
    secret_name: str | None
    networks: tuple[str, ...] | None = None  # granted to who asks; None: all
    tenant: str = ""  # the namespace; "" where all share the operator's own registry and login


@dataclass(frozen=True)
class RegistryRequest:
    """What one ModelDeployment wants to know, before its login has been read."""

    namespace: str
    uri: str | None
    secret_name: str | None
    query: RegistryQuery  # its login is filled in for each query
    networks: tuple[str, ...] | None = None
    own: bool = True  # whether it is the operator's own registry

    @property
    def account(self) -> Account:
        """The registry and the login."""
        namespace = self.namespace if self.secret_name is not None else ""
        tenant = namespace if self.own else self.namespace
        return Account(self.uri, namespace, self.secret_name, self.networks, tenant)


def request_of(md: ModelDeployment, default_uri: str = "") -> RegistryRequest | None:
    """The request that spec and status make; None for a spec that cannot be read."""
    if md.spec is None:
        return None
    spec, uri = md.spec, uri_of(md, default_uri)
    champion = md.status.champion
    elsewhere = champion is not None and not champion.matches(uri, champion.model)
    if champion is not None and elsewhere and not _compared(md, champion):
        champion = None  # this registry can say something of another one's only where it has the same bytes
    query = RegistryQuery(
        login=RegistryLogin("", {}),
        model=spec.model.name,
        version=named_version(spec, md.status),
        desired_alias=spec.model.alias,
        champion=champion.version if champion else None,
        champion_alias=spec.registry.aliases.champion,
        champion_model=champion.model if champion else "",
        champion_digest=champion.digest if champion and elsewhere else "",
        record=tuple(sorted(entry.version for entry in unrecorded(md.status) if entry.matches(uri, spec.model.name))),
        pinned=_pinned(md, uri),
        public_keys=spec.serving.public_keys,
        signatures=md.status.phase in GATE_PHASES and any(gate.kind in OF_SIGNATURES for gate in spec.gates),
    )
    own = spec.registry.uri in {None, default_uri}
    networks = OF_THE_OPERATOR if own else granted_networks(md.policies or ())
    granted = networks if md.policies is not None else None
    return RegistryRequest(md.key.namespace, spec.registry.uri, spec.registry.secret_name, query, granted, own)


def _pinned(md: ModelDeployment, uri: str) -> tuple[tuple[str, str], ...]:
    """What is pinned of this model in this registry: its bytes need not be read again before they are decided on."""
    assert md.spec is not None
    pins = (pin for pin in (md.status.champion, md.status.challenger) if pin is not None)
    return tuple(sorted({(pin.version, pin.digest) for pin in pins if pin.matches(uri, md.spec.model.name)}))


def _compared(md: ModelDeployment, champion: Pinned) -> bool:
    """Whether gates may compare with a champion that was pinned from another registry: with the same model's."""
    return md.status.phase in GATE_PHASES and md.spec is not None and champion.of_model(md.spec.model.name)


def uri_of(md: ModelDeployment, default_uri: str) -> str:
    """The registry that is asked."""
    return (md.spec.registry.uri if md.spec else None) or default_uri


def is_told_of_changes(md: ModelDeployment, request: RegistryRequest, *, record: bool = True) -> bool:
    """Whether a change of the model's aliases and versions is all that this one has to hear of.

    Gates read metrics and tags, and a record is known to be kept once its tags are read: neither changes the model.
    Another registry's champion is compared by its bytes. Without `record`, none is waited for.
    """
    gates = md.status.phase in GATE_PHASES and md.spec is not None and bool(md.spec.gates)
    return not gates and not (record and request.query.record) and not request.query.champion_digest


def answer_to(query: RegistryQuery, answer: RegistryState) -> RegistryState:
    """The answer. Raises Unavailable where it is one to another question: a cache before the registry gave an old one.

    It would stand for as long as the model does not change.
    """
    found = answer.desired.version if answer.desired is not None else query.version
    if query.version is not None and found != query.version:
        asked = f"it answered about version {found} of {query.model}, expected: version {query.version}"
        raise Unavailable(f"{query.login.uri} gives old answers: {asked}. Check what stands before it, such as a cache")
    return answer
