"""The types of the CloudEvents that tell of decisions. They are an API: consumers filter by them."""

from typing import Final

PROMOTED: Final = "ml.model.promoted.v1"  # the version is champion
REJECTED: Final = "ml.model.rejected.v1"  # it lost its trial, and is not tried again
ROLLED_BACK: Final = "ml.model.rolledback.v1"  # its traffic was taken back for a cause that is not known to be its own
ABORTED: Final = "ml.model.aborted.v1"  # a person took it out of traffic
GATES_FAILED: Final = "ml.model.gates.failed.v1"  # a gate has failed, and no pod was started
APPROVAL_REQUESTED: Final = "ml.model.approval.requested.v1"  # a gate waits for a person
STALLED: Final = "ml.model.stalled.v1"  # a rollout waits for a person to mend something
DEGRADED: Final = "ml.model.degraded.v1"  # the champion has failed a guard after its soak
MODEL_EVENTS: Final = (PROMOTED, REJECTED, ROLLED_BACK, ABORTED, GATES_FAILED, APPROVAL_REQUESTED, STALLED, DEGRADED)

# https://github.com/cdevents/spec/blob/v0.4.1/continuous-deployment.md
CDEVENTS: Final = "0.4.1"
DEPLOYED: Final = "dev.cdevents.service.deployed.0.2.0"  # the first champion
UPGRADED: Final = "dev.cdevents.service.upgraded.0.2.0"  # another champion
SERVICE_ROLLED_BACK: Final = "dev.cdevents.service.rolledback.0.2.0"  # what served before serves again
SERVICE_EVENTS: Final = (DEPLOYED, UPGRADED, SERVICE_ROLLED_BACK)
