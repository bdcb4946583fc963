"""When the pod template of a version may follow the spec, and when it stays as it is."""

from podium.api.v1alpha1.status import Phase, Pinned
from podium.core.facts import Facts
from podium.core.rollout.desired import is_desired


def template_held(facts: Facts, pinned: Pinned) -> bool:
    """Whether the version's pods stay as Podium last made them, whatever spec.serving or a new operator would make.

    A commit that names another version may change the image, too: what it changes is on trial with that version, and
    must not reach the one to which traffic returns. So the template of a version that is trusted follows the spec only
    at rest, and only while it is the desired version; in doubt it is held. The size is no part of a template.
    """
    if pinned == facts.status.challenger:
        return False
    return facts.status.phase is not Phase.STABLE or is_desired(facts, pinned) is not True
