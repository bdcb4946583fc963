"""Signatures that policies require: the keys of which one must have signed what serves, whatever a spec leaves out."""

from collections.abc import Iterator, Sequence

from podium.api.v1alpha1.policy import PodiumPolicySpec
from podium.api.v1alpha1.spec.serving import Verification
from podium.api.v1alpha1.spec.spec import Spec
from podium.core.refusal import Refusal

_FIELD = "spec.serving.verify.publicKeys"


def required_keys(policies: Sequence[PodiumPolicySpec]) -> tuple[str, ...]:
    """The keys of all policies that have any; none where no signature is required."""
    keys = (key.strip() for policy in policies if policy.verify is not None for key in policy.verify.public_keys)
    return tuple(dict.fromkeys(keys))


def refused_keys(spec: Spec, policies: Sequence[PodiumPolicySpec]) -> Iterator[Refusal]:
    """Keys of the spec that policies do not have: whoever may write a spec could sign for itself by one."""
    required = required_keys(policies)
    for number, key in enumerate(spec.serving.public_keys):
        if required and key.strip() not in required:
            ask = "ask for verify.publicKeys with it, or leave it out: the policies' keys count then"
            yield Refusal(f"{_FIELD}[{number}]", "a key that no PodiumPolicy has", ask)


def with_required_keys(spec: Spec, policies: Sequence[PodiumPolicySpec]) -> Spec:
    """The spec as it works: with the policies' keys, or with those of its own that are among them."""
    required = required_keys(policies)
    own = [key for key in spec.serving.public_keys if key.strip() in required]
    if not required or (own and len(own) == len(spec.serving.public_keys)):
        return spec
    return with_keys(spec, Verification(public_keys=own or list(required)))


def with_keys(spec: Spec, keys: Verification | None) -> Spec:
    """The spec, with other keys."""
    return spec.model_copy(update={"serving": spec.serving.model_copy(update={"verify": keys})})
