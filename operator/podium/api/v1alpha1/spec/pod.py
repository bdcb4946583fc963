"""The parts of a Pod that pass through a ModelDeployment, with the fields of Kubernetes' own Pod API.

They are described and checked here, so that a mistake is refused where it was written instead of much later, by the
Deployment that is made of it. What reaches the Deployment is what was written, unchanged: see `AsIn`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

# As controller-gen writes it for resource.Quantity.
QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)
Quantity = Annotated[
    int | Annotated[str, Field(pattern=QUANTITY_PATTERN, max_length=32)],
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "x-kubernetes-int-or-string": True,
            "pattern": QUANTITY_PATTERN,
            "maxLength": 32,
            "examples": ["500m", "2Gi"],
        }
    ),
]
Amounts = Annotated[dict[str, Quantity], Field(max_length=16)]
Labels = Annotated[dict[str, Annotated[str, Field(max_length=63)]], Field(max_length=64)]
Annotations = Annotated[dict[str, Annotated[str, Field(max_length=16384)]], Field(max_length=64)]
ObjectName = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
        max_length=253,
        examples=["my-config"],
        description="Name of the object, in the same namespace.",
    ),
]
KeyName = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253, description="Key in the object's data.")]
MayBeMissing = Annotated[bool, Field(description="Whether the object, or its key, may be missing.")]


@dataclass(frozen=True)
class AsIn:
    """A mapping that must be as the model says, and stays the mapping that it was."""

    model: type[Value]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            _unchanged,
            handler.generate_schema(self.model),
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )


def _unchanged(value: Any, validate: Callable[[Any], Any]) -> Any:
    validate(value)
    return value


class Resources(Value):
    """What a container asks for and may use."""

    limits: Amounts = Field({}, description="The most that the container may use, by resource: cpu, memory …")
    requests: Amounts = Field({}, description="What the container is promised, by resource: cpu, memory …")


class KeyOfObject(Value):
    """One key of a ConfigMap or Secret."""

    name: ObjectName
    key: KeyName
    optional: MayBeMissing = False


class FieldOfPod(Value):
    """A field of the pod itself."""

    api_version: str | None = Field(None, max_length=32, description="Version of the Pod API, v1.")
    field_path: str = Field(min_length=1, max_length=253, description="The field, such as metadata.name.")


class ResourceOfContainer(Value):
    """A resource of the container itself."""

    container_name: str | None = Field(None, max_length=63, description="Name of the container.")
    resource: str = Field(min_length=1, max_length=253, description="The resource, such as limits.memory.")
    divisor: Quantity | None = Field(None, description="Unit in which it is given.")


class EnvSource(Value):
    """Where a variable's value comes from."""

    RULES = (
        Rule(
            "[has(self.configMapKeyRef), has(self.secretKeyRef), has(self.fieldRef), has(self.resourceFieldRef)]"
            ".filter(given, given).size() == 1",
            "exactly one source is needed",
            lambda source: len(source.model_fields_set) == 1,
        ),
    )

    config_map_key_ref: KeyOfObject | None = Field(None, description="A key of a ConfigMap.")
    secret_key_ref: KeyOfObject | None = Field(None, description="A key of a Secret.")
    field_ref: FieldOfPod | None = Field(None, description="A field of the pod.")
    resource_field_ref: ResourceOfContainer | None = Field(None, description="A resource of the container.")


# What the pods' identity hangs on, and what other fields say. A test holds it against what is really set.
RESERVED = (
    "MLFLOW_TRACKING_URI",
    "PODIUM_DRAIN_SECONDS",
    "PODIUM_FALLBACK_AFTER",
    "PODIUM_FALLBACK_URL",
    "PODIUM_MODEL_DIGEST",
    "PODIUM_MODEL_FILE",
    "PODIUM_MODEL_URI",
    "PODIUM_PORT",
    "PODIUM_SHADOW_URL",
    "PODIUM_TRIAL_NUMBER",
    "PODIUM_VERIFY_KEYS",
)


class EnvVar(Value):
    """One variable of the container's environment."""

    RULES = (
        Rule(
            "!has(self.value) || !has(self.valueFrom)",
            "value and valueFrom exclude each other",
            lambda variable: variable.value is None or variable.value_from is None,
        ),
    )

    name: Annotated[
        str,
        Rule(
            f"!(self in {list(RESERVED)})",
            f"must not be one of {', '.join(RESERVED)}: Podium sets these itself",
            lambda name: name not in RESERVED,
            reason="FieldValueForbidden",
        ),
    ] = Field(min_length=1, max_length=253, pattern=r"^[ -<>-~]+$", description="Name of the variable.")
    value: str | None = Field(None, max_length=32768, description="Its value.")
    value_from: EnvSource | None = Field(None, description="Where its value comes from.")


class ObjectRef(Value):
    """A ConfigMap or Secret."""

    name: ObjectName
    optional: MayBeMissing = False


class EnvFrom(Value):
    """A ConfigMap or Secret, all keys of which become variables."""

    RULES = (
        Rule(
            "has(self.configMapRef) != has(self.secretRef)",
            "exactly one of configMapRef and secretRef is needed",
            lambda source: (source.config_map_ref is None) != (source.secret_ref is None),
        ),
    )

    prefix: str | None = Field(None, max_length=128, description="Put before the name of each variable.")
    config_map_ref: ObjectRef | None = Field(None, description="The ConfigMap.")
    secret_ref: ObjectRef | None = Field(None, description="The Secret.")


class Toleration(Value):
    """Lets the pods run on nodes with a taint."""

    key: str | None = Field(None, max_length=316, description="Key of the taint. Without it: every key.")
    operator: Literal["Exists", "Equal"] | None = Field(None, description="How the taint's value is compared.")
    value: str | None = Field(None, max_length=63, description="Value of the taint.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        None, description="Effect of the taint. Without it: every effect."
    )
    toleration_seconds: int | None = Field(None, description="How long a NoExecute taint is tolerated, in seconds.")


class PullSecret(Value):
    """A Secret with the login to an image registry."""

    name: ObjectName


# Too deep to be worth describing again: the API server speaks about it where it checks the object that is made of it.
PassedThrough = Annotated[
    dict[str, Any], WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True})
]
ResourcesPart = Annotated[dict[str, Any], AsIn(Resources)]
EnvPart = Annotated[list[Annotated[dict[str, Any], AsIn(EnvVar)]], Field(max_length=128), KeyedBy("name")]
EnvFromPart = Annotated[list[Annotated[dict[str, Any], AsIn(EnvFrom)]], Field(max_length=32)]
TolerationsPart = Annotated[list[Annotated[dict[str, Any], AsIn(Toleration)]], Field(max_length=32)]
PullSecretsPart = Annotated[list[Annotated[dict[str, Any], AsIn(PullSecret)]], Field(max_length=8), KeyedBy("name")]
