"""Parts of a pod that pass through where policies grant them: volumes, and names of objects that give pods more."""

from collections.abc import Iterator, Sequence

from podium.api.v1alpha1.policy import PodiumPolicySpec
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.spec.volumes import KINDS
from podium.core.permissions.patterns import matches
from podium.core.refusal import Refusal


def refused_fields(spec: Spec, policies: Sequence[PodiumPolicySpec]) -> Iterator[Refusal]:
    """What of these the policies do not grant."""
    serving, grants = spec.serving, [policy.pod_fields for policy in policies]
    kinds = {kind for grant in grants for kind in grant.volumes}
    for volume in serving.volumes:
        kind = next(kind for kind in KINDS if kind in volume)
        if kind not in kinds:
            field = f"spec.serving.volumes[{volume['name']}]"
            yield Refusal(field, f"a volume of kind {kind}", f"ask for podFields.volumes: [{kind}]")
    named = (
        ("serviceAccountName", serving.service_account_name, "serviceAccounts", [it.service_accounts for it in grants]),
        ("runtimeClassName", serving.runtime_class_name, "runtimeClasses", [it.runtime_classes for it in grants]),
        ("priorityClassName", serving.priority_class_name, "priorityClasses", [it.priority_classes for it in grants]),
    )
    for field, value, grant, patterns in named:
        if value is not None and not any(matches(value, each) for each in patterns):
            yield Refusal(f"spec.serving.{field}", f'"{value}"', f'ask for podFields.{grant}: ["{value}"]')
