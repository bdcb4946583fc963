"""`PodiumPolicy`: what ModelDeployments of some namespaces may ask for. Policies that match a namespace add up.

The names follow the field: a namespaceSelector as in admission policies with matchNames as the Prometheus operator and
approver-policy have it, patterns with * as in Argo CD's AppProject.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.pod import Quantity
from podium.api.v1alpha1.spec.serving import Verification
from podium.api.v1alpha1.spec.traffic import ServiceType
from podium.api.v1alpha1.spec.volumes import KINDS, VolumeKind
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule

POLICY_KIND: Final = "PodiumPolicy"
POLICY_PLURAL: Final = "podiumpolicies"
# * stands for any characters, none included
Pattern = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\s\x00-\x1f]+$", examples=["churn-*"])]
HostPattern = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[*.a-z0-9:\[\]-]+$",
        examples=["review.example.com", "*.example.com"],
    ),
]
RegistryPattern = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        pattern=r"^https?://[*.a-z0-9:\[\]-]+(/[^\s@?#]*)?$",
        examples=["https://mlflow.example.com", "https://*.example.com"],
    ),
]
ImagePattern = Annotated[
    str, Field(min_length=1, max_length=512, pattern=r"^[^\s]+$", examples=["registry.example.com/churn/*"])
]


Network = Annotated[
    str,
    Field(
        min_length=3,
        max_length=43,
        pattern=r"^(([0-9]{1,3}\.){3}[0-9]{1,3}/[0-9]{1,2}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/[0-9]{1,3})$",
        examples=["10.0.0.0/8"],
    ),
]


class LabelExpression(Value):
    """A requirement on one label, as in Kubernetes' LabelSelector."""

    RULES = (
        Rule(
            "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : "
            "!has(self.values) || self.values.size() == 0",
            "In and NotIn need values, Exists and DoesNotExist take none",
            lambda it: (it.operator in {"In", "NotIn"}) == bool(it.values),
            field=".values",
        ),
    )

    key: str = Field(min_length=1, max_length=316, description="Key of the label.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(description="How it is compared.")
    values: list[Annotated[str, Field(max_length=63)]] = Field([], max_length=64, description="Values to compare with.")


class NamespaceSelector(Value):
    """Namespaces. All that is said must match; with nothing said, it selects every namespace."""

    match_names: list[Pattern] = Field(
        [], min_length=1, max_length=64, description="Names, or patterns of names with *. Left out: every name."
    )
    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=64)] = Field(
        {}, description="Labels of the namespace. Who may change them, may change which policies match."
    )
    match_expressions: list[LabelExpression] = Field(
        [], max_length=32, description="Requirements on labels, as in Kubernetes' LabelSelector."
    )

    @property
    def needs_labels(self) -> bool:
        """Whether names alone do not decide."""
        return bool(self.match_labels or self.match_expressions)


class OperatorLogin(Value):
    """Models of the operator's own registry, which it reads and whose aliases it moves with its own login."""

    models: list[Pattern] = Field(
        min_length=1, max_length=64, description="Names of registered models, or patterns with *."
    )
    aliases: list[Pattern] = Field(
        ["*"],
        min_length=1,
        max_length=64,
        description="Aliases of these models that may be followed (model.alias) and written "
        "(registry.aliases.champion).",
    )


class WebhookGrant(Value):
    """Services that may be called: by gates' webhooks, and by Providers."""

    hosts: list[HostPattern] = Field(
        min_length=1,
        max_length=64,
        description="Host names, or patterns with *. With host:port, of this port only; without, of every port.",
    )


class GatewayGrant(Value):
    """A Gateway that routes may be attached to."""

    namespace: Pattern | None = Field(
        None, description="Its namespace, or a pattern. Without it: that of the ModelDeployment."
    )
    name: Pattern = Field(description="Its name, or a pattern with *.")


class TrafficGrant(Value):
    """How clients outside of the cluster may reach a model."""

    service_types: list[ServiceType] = Field(
        [], max_length=3, description="Types of Services. ClusterIP needs no grant."
    )
    gateways: list[GatewayGrant] = Field([], max_length=32, description="Gateways that routes may be attached to.")
    hostnames: list[HostPattern] = Field(
        [],
        max_length=64,
        description="Host names of routes, or patterns with *. A route without host names takes every one of its "
        "listeners: that needs the pattern *.",
    )
    adopted_routes: bool = Field(
        False, description="Whether an HTTPRoute of another owner may be adopted (traffic.httpRouteRef)."
    )


class PrometheusGrant(Value):
    """Guards may query the operator's Prometheus."""

    RULES = (
        Rule(
            "has(self.label) == has(self.value)",
            "label and value go together",
            lambda it: (it.label is None) == (it.value is None),
        ),
    )

    label: str | None = Field(
        None,
        max_length=128,
        pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$",
        examples=["namespace"],
        description="Label that is forced into every selector of each query. Without it, queries go as they are.",
    )
    value: str | None = Field(
        None,
        min_length=1,
        max_length=253,
        examples=["{{namespace}}"],
        description="Value of that label; {{namespace}} is the ModelDeployment's.",
    )


class JobGrant(Value):
    """Gates of kind job."""

    enabled: bool = Field(False, description="Whether gates may start pods.")


class PodLimits(Value):
    """Limits for pods. Where several policies have them, the widest counts; where none has, there is no limit."""

    max_replicas: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        None, description="The most pods of one ModelDeployment: serving.replicas, or its autoscaler's maximum."
    )
    max_resources: Annotated[dict[str, Quantity], Field(max_length=16)] = Field(
        {},
        description="The most of each resource that a container may request and be limited to: it must say its limit.",
    )


class PodGrant(Value):
    """What pods may have beside images and resources."""

    volumes: list[VolumeKind] = Field(
        [], max_length=len(KINDS), description="Kinds of volumes. Who may bring files may bring code."
    )
    service_accounts: list[Pattern] = Field(
        [],
        max_length=64,
        description="Service accounts, or patterns with *: where clouds give them an identity, pods get it.",
    )
    runtime_classes: list[Pattern] = Field([], max_length=64, description="RuntimeClasses, or patterns with *.")
    priority_classes: list[Pattern] = Field([], max_length=64, description="PriorityClasses, or patterns with *.")


class PodiumPolicySpec(Value):
    """Namespaces, and what is granted to them. What is left out is not granted."""

    namespace_selector: NamespaceSelector = Field(description="Namespaces whose ModelDeployments it is for.")
    operator_login: OperatorLogin | None = Field(
        None, description="Models of the operator's own registry. Without it, its login is used for nothing."
    )
    registries: list[RegistryPattern] = Field(
        [],
        max_length=64,
        description="Other registries that spec.registry.uri may name, with the namespace's own logins: scheme, host, "
        "port and path. The host may be a pattern with *.",
    )
    webhooks: WebhookGrant | None = Field(None, description="Services that may be called.")
    networks: list[Network] = Field(
        [],
        max_length=64,
        description="Networks that are not public and may be connected to, for what is granted above: those of Pods "
        "and Services, for example. Loopback and link-local addresses are refused, too, unless one of these has them.",
    )
    traffic: TrafficGrant = Field(TrafficGrant(), description="How clients outside of the cluster may reach models.")
    prometheus: PrometheusGrant | None = Field(None, description="Guards that query the operator's Prometheus.")
    images: list[ImagePattern] = Field(
        [],
        max_length=64,
        description="Images of model servers and gates' jobs, or patterns with *. The operator's own needs no grant.",
    )
    jobs: JobGrant = Field(JobGrant(), description="Gates of kind job.")
    pod_fields: PodGrant = Field(PodGrant(), description="What pods may have beside images and resources.")
    pods: PodLimits | None = Field(None, description="Limits for pods.")
    verify: Verification | None = Field(
        None,
        description="Signatures that are required: one of these keys must have signed what serves, whatever a spec "
        "leaves out. Where several policies have keys, one of any of them. A spec may name some of them, no others.",
    )


class PodiumPolicyManifest(Value):
    """What ModelDeployments of some namespaces may ask for."""

    api_version: Literal["podium.dev/v1alpha1"] = "podium.dev/v1alpha1"
    kind: Literal["PodiumPolicy"] = POLICY_KIND
    metadata: dict[str, Any]
    spec: PodiumPolicySpec = Field(description="Namespaces, and what is granted to them.")
