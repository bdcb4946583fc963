"""The queries that a spec asks of Prometheus, by field."""

from collections.abc import Iterator, Mapping

from podium.api.v1alpha1.spec.spec import Spec


def asked_of_prometheus(spec: Spec) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each field that has some, and its queries by name."""
    for guard in spec.rollout.guards:
        if (asked := guard.prometheus) is not None:
            yield f"spec.rollout.guards[{guard.name}].prometheus", {"bad": asked.bad, "total": asked.total}
    experiment = spec.rollout.experiment
    if experiment is not None and (metric := experiment.metric) is not None:
        yield "spec.rollout.experiment.metric", {"good": metric.good, "total": metric.total}
