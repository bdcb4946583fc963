"""How many pods a share of the traffic needs, where shares are made of pods."""

from podium.core.facts import ALL, Facts


def pods_for(weight: int, champion: int) -> int:
    """Pods of the challenger beside `champion` pods so that its share is as near to `weight` percent as it can be.

    At least one, and never more than the champion has: the champion keeps its size all through a trial.
    """
    return min(range(1, champion + 1), key=lambda pods: (abs(pods / (pods + champion) - weight / ALL), pods))


def challenger_pods(facts: Facts) -> int:
    """Pods for the step's weight; all of them at once where no steps lie ahead."""
    trial, full = facts.status.trial, facts.spec.serving.replicas
    if trial is None or trial.trusted or facts.status.champion is None:
        return full
    return pods_for(trial.steps[trial.step].weight, full)
