"""How the versions run: size, image and the parts of the pods that pass through."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from podium.api.v1alpha1.spec.autoscaling import Autoscaling
from podium.api.v1alpha1.spec.pod import (
    Annotations,
    EnvFromPart,
    EnvPart,
    Labels,
    ObjectName,
    PassedThrough,
    PullSecretsPart,
    ResourcesPart,
    TolerationsPart,
)
from podium.api.v1alpha1.spec.volumes import VolumeMountsPart, VolumesPart
from podium.api.v1alpha1.values.base import Duration, Value, duration_between
from podium.api.v1alpha1.values.rules import Rule

Reload = Literal["Recreate", "InPlace"]
_PEM = r"^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]+-----END PUBLIC KEY-----\n?$"
PublicKey = Annotated[str, Field(max_length=1000, pattern=_PEM)]


class Verification(Value):
    """Who must have signed a version's files, by OpenSSF model signing, before they are loaded."""

    public_keys: list[PublicKey] = Field(
        min_length=1,
        max_length=8,
        description="Public keys as PEM, of the curves P-256, P-384 and P-521: one of them must have signed all files.",
    )


def _cpu_is_requested(serving: "Serving") -> bool:
    """What is limited and not requested is requested as it is limited: so says the Pod API."""
    return any("cpu" in serving.resources.get(part, {}) for part in ("requests", "limits"))


class Serving(Value):
    """How the versions run. Pod details have the fields of the Pod API."""

    RULES = (
        Rule(
            "!has(self.autoscaling) || has(self.autoscaling.metrics) || has(self.resources) && "
            "(has(self.resources.requests) && 'cpu' in self.resources.requests || "
            "has(self.resources.limits) && 'cpu' in self.resources.limits)",
            "needs resources.requests.cpu, of which the CPU's utilization is a share, or metrics of its own",
            lambda it: it.autoscaling is None or it.autoscaling.metrics is not None or _cpu_is_requested(it),
            field=".autoscaling",
        ),
        Rule(
            "!has(self.volumeMounts) || self.volumeMounts.all(mount, has(self.volumes) && "
            "self.volumes.exists(volume, volume.name == mount.name))",
            "must name volumes of serving.volumes",
            lambda it: {each["name"] for each in it.volume_mounts} <= {each["name"] for each in it.volumes},
            field=".volumeMounts",
        ),
    )

    replicas: int = Field(
        1,
        ge=1,
        le=1000,
        description="Pods that serve the champion. Leave it out where an autoscaler sets it.",
    )
    autoscaling: Autoscaling | None = Field(
        None, description="Let a HorizontalPodAutoscaler of Podium's own set replicas, within limits."
    )
    image: str | None = Field(
        None,
        min_length=1,
        max_length=512,
        description="Image of the model server. Default: the operator's own setting.",
    )
    resources: ResourcesPart = Field({}, description="Resources of the model server's container, as in a Pod.")
    env: EnvPart = Field([], description="Environment of the container, as in a Pod.")
    env_from: EnvFromPart = Field([], description="Sources of environment, as in a Pod.")
    node_selector: Labels = Field({}, description="Labels of the nodes to run on, as in a Pod.")
    tolerations: TolerationsPart = Field([], description="Taints to tolerate, as in a Pod.")
    affinity: PassedThrough = Field({}, description="Affinity of the pods, as in a Pod.")
    volumes: VolumesPart = Field([], description="Volumes, as in a Pod: of the kinds that its namespace may have.")
    volume_mounts: VolumeMountsPart = Field([], description="Where the container has them, as in a Pod.")
    service_account_name: ObjectName | None = Field(
        None, description="Service account of the pods. Its token is not mounted, whatever it says itself."
    )
    runtime_class_name: ObjectName | None = Field(None, description="RuntimeClass of the pods, as in a Pod.")
    priority_class_name: ObjectName | None = Field(None, description="PriorityClass of the pods, as in a Pod.")
    image_pull_secrets: PullSecretsPart = Field([], description="Secrets to pull the image with, as in a Pod.")
    annotations: Annotations = Field({}, description="Further annotations of the pods.")
    drain: Annotated[Duration, duration_between("0s", "1h")] = Field(
        timedelta(seconds=5), description="How long a stopping pod still answers, so that traffic can move away."
    )

    reload: Reload = Field(
        "Recreate",
        description="How a version that needs no trial comes to serve: in new pods (Recreate), or loaded by the "
        "champion's pods beside the version that they serve (InPlace). Their memory must hold both for that moment.",
    )

    verify: Verification | None = Field(
        None,
        description="Serve only versions that are signed: file model.sig beside the model. Checked before a pod is "
        "started, and in each pod before the model is loaded.",
    )

    @property
    def public_keys(self) -> tuple[str, ...]:
        """The keys of which one must have signed what serves; none where nothing need be signed."""
        return tuple(self.verify.public_keys) if self.verify is not None else ()

    @property
    def size(self) -> int:
        """Pods that serve the champion: as many as were asked for, within the autoscaler's limits."""
        return self.autoscaling.within(self.replicas) if self.autoscaling is not None else self.replicas
