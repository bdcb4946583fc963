"""`Provider` and `Alert`: who is told of decisions, and of which. In the form of Flux's notification API (v1beta3)."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from podium.api.v1alpha1.event_types import MODEL_EVENTS, SERVICE_EVENTS
from podium.api.v1alpha1.evidence import StatusValue
from podium.api.v1alpha1.outbox import Severity
from podium.api.v1alpha1.status import Condition
from podium.api.v1alpha1.values.base import Duration, Value, duration_between
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

ProviderType = Literal["generic", "generic-hmac", "slack", "discord", "msteams", "nats", "kafka", "smtp"]
READ_BY_PEOPLE: Final[frozenset[ProviderType]] = frozenset({"slack", "discord", "msteams", "smtp"})
HTTP: Final = ("http", "https")
SCHEMES: Final[Mapping[ProviderType, tuple[str, str]]] = {  # of addresses; of the others: of HTTP
    "nats": ("nats", "tls"),
    "kafka": ("kafka", "kafka+ssl"),
    "smtp": ("smtp", "smtps"),
}
_NAME = r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$"
SUBJECT: Final = r"[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*"  # of NATS, without wildcards
MAILBOX: Final = r"[A-Za-z0-9._%+=~-]+@[A-Za-z0-9.-]+"  # ends no command of SMTP and no line of a head
TOPIC: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,248}"  # of Kafka
_MAILBOXES = f"{MAILBOX}( *, *{MAILBOX})*"
_LINE = r"^[^\x00-\x1f]+$"
ANY: Final = "*"
LEFT_OUT: Final = "EventsLeftOut"  # a condition of an Alert: the last event that was given up
# A type, or the beginning of one with * at its end
EVENT_PATTERN = r"^([a-z0-9]+([.-][a-z0-9]+)*\.?)?\*?$"
Pattern = Annotated[
    str, Field(min_length=1, max_length=128, pattern=EVENT_PATTERN, examples=["ml.model.promoted.v1", "ml.model.*"])
]


class Reference(Value):
    """Names an object in the same namespace."""

    name: str = Field(min_length=1, max_length=253, pattern=_NAME, description="Its name.")


def _either(kind: ProviderType) -> str:
    return "|".join(scheme.replace("+", "[+]") for scheme in SCHEMES[kind])


def _scheme_rule(kind: ProviderType) -> Rule:
    """Addresses of this type of Provider have schemes of their own."""
    of_it = tuple(f"{scheme}://" for scheme in SCHEMES[kind])
    return Rule(
        f"!has(self.address) || (self.type == '{kind}') == self.address.matches('^({_either(kind)})://')",
        f"address must begin with {' or '.join(of_it)} for {kind}, and for no other type",
        lambda it: it.address is None or (it.type == kind) == it.address.startswith(of_it),
        field=".address",
    )


class ProviderSpec(Value):
    """How events are encoded, and where they are sent."""

    RULES = (
        Rule(
            "has(self.address) || has(self.secretRef)",
            "address is needed, here or in the Secret that secretRef names",
            lambda it: it.address is not None or it.secret_ref is not None,
        ),
        Rule(
            "self.type != 'generic-hmac' || has(self.secretRef)",
            "generic-hmac needs secretRef: the Secret's key token signs the events",
            lambda it: it.type != "generic-hmac" or it.secret_ref is not None,
            field=".secretRef",
        ),
        Rule(
            "self.type != 'nats' || has(self.channel)",
            "nats needs channel: the subject under which events are published",
            lambda it: it.type != "nats" or it.channel is not None,
            field=".channel",
        ),
        Rule(
            "self.type != 'nats' || !has(self.channel) || self.channel.matches('^[A-Za-z0-9_-]+([.][A-Za-z0-9_-]+)*$')",
            "channel must be a subject of NATS without wildcards, such as ml.news",
            lambda it: it.type != "nats" or it.channel is None or re.fullmatch(SUBJECT, it.channel) is not None,
            field=".channel",
        ),
        Rule(
            f"self.type != 'kafka' || (has(self.channel) && self.channel.matches('^{TOPIC}$'))",
            "kafka needs channel: the topic, such as ml.news",
            lambda it: it.type != "kafka" or re.fullmatch(TOPIC, it.channel or "") is not None,
            field=".channel",
        ),
        Rule(
            f"self.type != 'smtp' || (has(self.channel) && self.channel.matches('^{_MAILBOXES}$'))",
            "smtp needs channel: the addresses of the recipients, such as ml@example.com, with commas between them",
            lambda it: it.type != "smtp" or re.fullmatch(_MAILBOXES, it.channel or "") is not None,
            field=".channel",
        ),
        Rule(
            f"self.type != 'smtp' || (has(self.username) && self.username.matches('^{MAILBOX}$'))",
            "smtp needs username: the address of the sender, such as podium@example.com",
            lambda it: it.type != "smtp" or re.fullmatch(MAILBOX, it.username or "") is not None,
            field=".username",
        ),
        *map(_scheme_rule, SCHEMES),
    )

    type: ProviderType = Field(description="What receives the events.")
    address: str | None = Field(
        None,
        max_length=2048,
        pattern=r"^(https?|nats|tls|kafka([+]ssl)?|smtps?)://[^\s@]+$",
        examples=["https://events.example.com/podium"],
        description="Where events are sent: by POST, to a server of NATS or Kafka (kafka+ssl:// with TLS), or to a "
        "mail server (smtp://, with STARTTLS where it is offered, or smtps://). The key `address` of the Secret comes "
        "before it.",
    )
    secret_ref: Reference | None = Field(
        None,
        description="Secret in the same namespace: `address`, `token` (signs, or is sent as a bearer's, or as the "
        "token of NATS), and `headers`, a line `Name: value` each. For kafka and smtp: `username` and `password`, "
        "which are sent under TLS only.",
    )
    channel: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        pattern=_LINE,
        description="Channel, where the address has none. For nats: the subject. For kafka: the topic. For smtp: the "
        "addresses of the recipients, with commas between them.",
    )
    username: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        pattern=_LINE,
        description="Name under which a message appears in the chat. For smtp: the address of the sender.",
    )
    timeout: Annotated[Duration, duration_between("1s", "60s")] = Field(
        timedelta(seconds=15), description="How long a delivery may take before it is tried again."
    )
    suspend: bool = Field(False, description="Delivers nothing. What happens or waits meanwhile is not told later.")


class EventSource(Value):
    """ModelDeployments of the same namespace whose events are told."""

    kind: Literal["ModelDeployment"] = Field("ModelDeployment", description="Kind of the object.")
    name: str = Field(
        max_length=63, pattern=r"^(\*|[a-z]([-a-z0-9]*[a-z0-9])?)$", description="Its name, or `*` for all."
    )


class AlertSpec(Value):
    """Which events go to a Provider."""

    provider_ref: Reference = Field(description="The Provider that they go to.")
    event_severity: Severity = Field(
        "info", description="`error` leaves out what was asked for, such as promotions; `info` leaves out nothing."
    )
    event_sources: Annotated[list[EventSource], KeyedBy("name")] = Field(
        min_length=1, max_length=64, description="Whose events they are."
    )
    inclusion_list: list[Pattern] = Field(
        [],
        max_length=32,
        description="Types of events that are told, such as ml.model.promoted.v1 or ml.model.*; all where it is empty.",
    )
    exclusion_list: list[Pattern] = Field(
        [], max_length=32, description="Types of events that are not told, as in inclusionList."
    )
    summary: str | None = Field(
        None, min_length=1, max_length=255, pattern=_LINE, description="A line that chats show beside each event."
    )
    suspend: bool = Field(False, description="Tells nothing. What happens or waits meanwhile is not told later.")

    def wants(self, name: str, kind: str, severity: Severity) -> bool:
        """Whether it tells of such an event of the ModelDeployment of this name."""
        of_source = any(source.name in {ANY, name} for source in self.event_sources)
        severe = severity == "error" or self.event_severity == "info"
        included = not self.inclusion_list or _matches(self.inclusion_list, kind)
        return of_source and severe and included and not _matches(self.exclusion_list, kind)


def _matches(patterns: Sequence[str], kind: str) -> bool:
    return any(kind.startswith(pattern[:-1]) if pattern.endswith(ANY) else kind == pattern for pattern in patterns)


def told_by(provider: ProviderType, kind: str) -> bool:
    """Whether a Provider of this type takes such events: people read of a promotion once, without its CDEvent."""
    return kind in MODEL_EVENTS or (provider not in READ_BY_PEOPLE and kind in SERVICE_EVENTS)


class AlertingStatus(StatusValue):
    """Whether events can be delivered."""

    observed_generation: int = Field(-1, description="metadata.generation that this status is about.")
    conditions: Annotated[list[Condition], KeyedBy("type")] = Field(
        [],
        description="Ready: whether events can be delivered, and why not. EventsLeftOut of an Alert: the last event "
        "that was given up, until its spec changes.",
    )


class ProviderManifest(Value):
    """A receiver of the events that tell of decisions."""

    api_version: Literal["podium.dev/v1alpha1"] = "podium.dev/v1alpha1"
    kind: Literal["Provider"] = "Provider"
    metadata: dict[str, Any]
    spec: ProviderSpec = Field(description="Where events go.")
    status: AlertingStatus | None = Field(None, description="Whether events can be delivered.")


class AlertManifest(Value):
    """Which events of which ModelDeployments go to a Provider."""

    api_version: Literal["podium.dev/v1alpha1"] = "podium.dev/v1alpha1"
    kind: Literal["Alert"] = "Alert"
    metadata: dict[str, Any]
    spec: AlertSpec = Field(description="Which events are told, and to whom.")
    status: AlertingStatus | None = Field(None, description="Whether events can be delivered.")
