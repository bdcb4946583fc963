"""Volumes of the pods, with the fields of Kubernetes' own Pod API: of the kinds that the restricted standard allows.

None of them reaches the node, and none brings a service account's token.
"""

import re
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

from podium.api.v1alpha1.spec.pod import AsIn, PassedThrough
from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import KeyedBy, Rule

VolumeKind = Literal["configMap", "secret", "emptyDir", "persistentVolumeClaim", "csi", "ephemeral", "downwardAPI"]
KINDS: Final[tuple[VolumeKind, ...]] = get_args(VolumeKind)
OWN: Final = ("tmp", "model")  # volumes of Podium's own
_RESERVED: Final = r"^/(tmp|podium|opt/podium|proc|sys|dev)?(/.*)?$"
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  a path in the pod
_INDIRECT: Final = r"/[.]{0,2}(/|$)"
_VolumeName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]


class Volume(Value):
    """A volume, of exactly one kind."""

    RULES = (
        Rule(
            f"[{', '.join(f'has(self.{kind})' for kind in KINDS)}].filter(given, given).size() == 1",
            "exactly one kind of volume is needed",
            lambda volume: len(volume.model_fields_set - {"name"}) == 1,
        ),
    )

    name: Annotated[
        _VolumeName,
        Rule(
            f"!(self in {list(OWN)})",
            f"must not be {' or '.join(OWN)}: these are Podium's own",
            lambda name: name not in OWN,
            reason="FieldValueForbidden",
        ),
    ] = Field(description="Name of the volume.")
    config_map: PassedThrough | None = Field(None, description="Keys of a ConfigMap as files.")
    secret: PassedThrough | None = Field(None, description="Keys of a Secret as files.")
    empty_dir: PassedThrough | None = Field(
        None, description="An empty folder. With medium Memory, mounted at /dev/shm, the size of shared memory."
    )
    persistent_volume_claim: PassedThrough | None = Field(None, description="A PersistentVolumeClaim.")
    csi: PassedThrough | None = Field(None, description="An inline volume of a CSI driver.")
    ephemeral: PassedThrough | None = Field(None, description="A volume that lives as long as the pod.")
    downward_api: PassedThrough | None = Field(None, alias="downwardAPI", description="Fields of the pod as files.")


class VolumeMount(Value):
    """Where a volume is in the container."""

    name: _VolumeName = Field(description="Name of the volume, in serving.volumes.")
    mount_path: Annotated[
        str,
        Rule(
            f"self == '{_SHARED_MEMORY}' || !self.matches('{_RESERVED}') && !self.matches('{_INDIRECT}')",
            "must not be /, or in /tmp, /podium, /opt/podium, /proc, /sys or /dev (but /dev/shm), nor have . or ..",
            lambda path: path == _SHARED_MEMORY or not (re.search(_RESERVED, path) or re.search(_INDIRECT, path)),
            reason="FieldValueForbidden",
        ),
    ] = Field(min_length=1, max_length=1024, pattern=r"^/[^:]*$", description="Where it is mounted.")
    read_only: bool | None = Field(None, description="Whether it cannot be written.")
    sub_path: str | None = Field(None, max_length=1024, description="The part of the volume that is mounted.")


VolumesPart = Annotated[list[Annotated[dict[str, Any], AsIn(Volume)]], Field(max_length=32), KeyedBy("name")]
VolumeMountsPart = Annotated[
    list[Annotated[dict[str, Any], AsIn(VolumeMount)]], Field(max_length=32), KeyedBy("mountPath")
]
