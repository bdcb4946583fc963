"""Which policies are for a namespace."""

from collections.abc import Mapping, Sequence

from podium.api.v1alpha1.policy import LabelExpression, NamespaceSelector, PodiumPolicySpec
from podium.core.permissions.patterns import matches


def for_namespace(
    policies: Sequence[PodiumPolicySpec], namespace: str, labels: Mapping[str, str]
) -> tuple[PodiumPolicySpec, ...]:
    """Those whose selector matches the namespace, in their order."""
    return tuple(policy for policy in policies if selects(policy.namespace_selector, namespace, labels))


def selects(selector: NamespaceSelector, namespace: str, labels: Mapping[str, str]) -> bool:
    """Whether all that the selector says matches."""
    named = not selector.match_names or matches(namespace, selector.match_names)
    labelled = all(labels.get(key) == value for key, value in selector.match_labels.items())
    return named and labelled and all(_holds(each, labels) for each in selector.match_expressions)


def _holds(expression: LabelExpression, labels: Mapping[str, str]) -> bool:
    """As Kubernetes has it: NotIn holds where the label is not there."""
    found = labels.get(expression.key)
    match expression.operator:
        case "In":
            return found in expression.values
        case "NotIn":
            return found not in expression.values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
