"""What pods are made from, and what of it makes another pod necessary."""

from hashlib import sha256

from podium.api.v1alpha1.source import address
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned, PodTemplate
from podium.core.fingerprints import template_hash
from podium.core.identity import Identity


def identity_of(pinned: Pinned) -> Identity:
    """What a pod says that serves this."""
    return Identity(pinned.version, pinned.digest)


def environment_of(pinned: Pinned) -> tuple[object, ...]:
    """What pods get of their version, other than which one it is."""
    return pinned.registry, pinned.model, pinned.login, pinned.latency_limits, pinned.trial_number


def template_of(spec: Spec, rendering: str, image: str, registry: str) -> str:
    """What the pods of a Deployment are made from."""
    made = spec.serving.model_copy(update={"image": spec.serving.image or image})
    source = address(spec.registry.uri or registry)
    return rendering + source + made.model_dump_json(exclude={"replicas", "autoscaling"})


def pod_template(made_from: tuple[Spec, str, str, str]) -> PodTemplate:
    """Which template that is: of a spec, by a rendering, and with this image and registry where it names none."""
    spec, _, image, _ = made_from
    revision = sha256(template_of(*made_from).encode()).hexdigest()[:10]
    return PodTemplate(revision=revision, spec_hash=template_hash(spec), image=spec.serving.image or image)
