"""Reasons: the documented constants that conditions, Events, the registry's tags and metrics carry."""

from typing import Final

# Ready, Reconciling, Stalled
SERVING: Final = "Serving"  # the desired version is champion and has ready pods
PROGRESSING: Final = "Progressing"  # a rollout is under way
GATES_FAILED: Final = "GatesFailed"  # no pod was started
VERSION_REJECTED: Final = "VersionRejected"  # the desired version lost its trial; the champion serves
PODS_NOT_STARTING: Final = "PodsNotStarting"  # new pods of the champion, or of what is promoted, cannot start
CHAMPION_UNAVAILABLE: Final = "ChampionUnavailable"  # the champion has no ready pod
ALIAS_CONFLICT: Final = "AliasConflict"  # another ModelDeployment has the alias
PAUSED: Final = "Paused"  # spec.paused stops progress
NEWER_VERSION_WAITS: Final = "NewerVersionWaits"  # the version on trial alone can answer, and is promoted first
STABLE: Final = "Stable"  # nothing is to be done
NOT_PERMITTED: Final = "NotPermitted"  # no PodiumPolicy of the namespace grants it; nothing new is begun
INVALID_SPEC: Final = "InvalidSpec"  # it got past an older CRD and cannot be read; nothing is touched
NAME_CONFLICT: Final = "NameConflict"  # another owner has an object of the name that Podium needs
AS_EXPECTED: Final = "AsExpected"

# Whether the champion's pods are made as Git and the operator would make them now: TemplateInSync
TEMPLATE_CHANGED: Final = "TemplateChanged"  # they would be made from another template, which is about to be tried
TEMPLATE_ON_TRIAL: Final = "TemplateOnTrial"  # it is on trial with the champion's own version
TEMPLATE_REJECTED: Final = "TemplateRejected"  # it lost its trial; the champion serves as it is
TEMPLATE_WAITING: Final = "TemplateWaiting"  # a new operator's templates are tried a few ModelDeployments at a time

# Whether the champion keeps its guards after its soak, with spec.rollout.afterSoak: Degraded
CHAMPION_DEGRADED: Final = "ChampionDegraded"  # it failed a guard; a former champion takes its place where Git asks so
FORMER_CHAMPION_UNAVAILABLE: Final = "FormerChampionUnavailable"  # it failed one, and no former champion can take over
FORMER_CHAMPION_RESTORED: Final = "FormerChampionRestored"  # a former champion has taken its place

# How a version that needs no trial comes to serve, with spec.serving.reload: ReloadedInPlace
RELOADING: Final = "Reloading"  # the champion's pods load it beside the version that they serve
RELOADED: Final = "Reloaded"  # they serve it
RELOAD_FAILED: Final = "ReloadFailed"  # a pod could not load it, and went on as it was: new pods are started
NEW_PODS_NEEDED: Final = "NewPodsNeeded"  # it was not tried: the version needs a trial, or other pods

# GatesPassed, RegistryInSync, TrafficInSync, RetriesInSync, AutoscalerInSync
GATES_PASSED: Final = "GatesPassed"
GATES_PENDING: Final = "GatesPending"  # for a person, a pod, a service, or until the version is old enough
PREVIOUSLY_PROMOTED: Final = "PreviouslyPromoted"  # trusted: same version, same digest
IN_SYNC: Final = "InSync"
IN_PROGRESS: Final = "InProgress"
SHARE_OFF: Final = "ShareOff"  # so few pods cannot make the share that the weight asks for
SAMPLE_RATIO_MISMATCH: Final = "SampleRatioMismatch"  # requests are not shared by the weight: no comparison is fair
ALIAS_CHANGED: Final = "AliasChanged"  # another client moved it; Podium leaves it alone
ARTIFACTS_CHANGED: Final = "ArtifactsChanged"  # the registry's bytes are not the pinned ones any more
NOT_CHECKED: Final = "NotCheckedYet"

# What is wrong with a route
ROUTE_NOT_FOUND: Final = "RouteNotFound"  # traffic.httpRouteRef names an HTTPRoute that is not there
ROUTE_INVALID: Final = "RouteInvalid"  # its rule does not have both slots' Services as backends, and no others
ROUTE_NOT_ACCEPTED: Final = "RouteNotAccepted"  # a gateway does not admit the route, or is not there
BACKENDS_NOT_RESOLVED: Final = "BackendsNotResolved"  # a gateway cannot use what the route refers to
NO_GATEWAY_API: Final = "NoGatewayAPI"  # the cluster has no HTTPRoutes
ROUTE_REJECTED: Final = "RouteRejected"  # the API server did not take what was to be written
ROUTE_CONFLICT: Final = "RouteConflict"  # another field manager keeps overwriting the weights

# What is wrong with the gateway's retries
RETRIES_LEFT_ALONE: Final = "RetriesLeftAlone"  # another owner says how requests of this route are sent again
RETRIES_REJECTED: Final = "RetriesRejected"  # the API server or the gateway did not take what was to be written

# What is wrong with the autoscaler
AUTOSCALER_REJECTED: Final = "AutoscalerRejected"  # the API server did not take what spec.serving.autoscaling says

# What is wrong with the registry
MODEL_NOT_FOUND: Final = "ModelNotFound"
VERSION_NOT_FOUND: Final = "VersionNotFound"
ALIAS_NOT_FOUND: Final = "AliasNotFound"
VERSION_NOT_READY: Final = "VersionNotReady"
REGISTRY_UNREACHABLE: Final = "RegistryUnreachable"
REGISTRY_QUEUED: Final = "RegistryQueued"  # others of the namespace's registries, which do not answer, come first
WRITE_NOT_KEPT: Final = "WriteNotKept"  # the registry took a write, and does not have it when it is read again
LOGIN_REJECTED: Final = "LoginRejected"
LOGIN_MISSING: Final = "LoginMissing"  # registry.secretName names a Secret that is not there
ARTIFACTS_MISSING: Final = "ArtifactsMissing"
SIGNATURE_NOT_VERIFIED: Final = "SignatureNotVerified"  # none of the keys of serving.verify has signed the artifacts
REGISTRY_ERROR: Final = "RegistryError"
DIGEST_PENDING: Final = "DigestPending"  # the artifacts are being downloaded and hashed

# What moves a rollout on
CHALLENGER_FOUND: Final = "ChallengerFound"
CHALLENGER_READY: Final = "ChallengerReady"
STEP_PASSED: Final = "StepPassed"
STEP_SKIPPED: Final = "StepSkipped"  # by a person's word: spec.rollout.promote
STEPS_PASSED: Final = "StepsPassed"
PROMOTED: Final = "Promoted"
SOAK_PASSED: Final = "SoakPassed"
ROLLED_BACK: Final = "RolledBack"

# What moves an experiment on
ARM_GATED: Final = "ArmGated"  # one arm has passed the gates, the next one is checked
EXPERIMENT_STARTED: Final = "ExperimentStarted"  # all arms have: they are started beside the champion
EXPERIMENT_ENDED: Final = "ExperimentEnded"  # the best arm is tried next, or none is left
NOT_THE_BEST: Final = "NotTheBest"  # an arm that failed no guard, and is not the best

# What ends a trial
SUPERSEDED: Final = "Superseded"  # spec.model selects another version
ABORTED: Final = "Aborted"  # a person keeps the version out of traffic: spec.rollout.abort
TERMS_CHANGED: Final = "TermsChanged"  # gates, steps or guards changed in the spec
CRASHED: Final = "Crashed"
OUT_OF_MEMORY: Final = "OutOfMemory"
LOAD_FAILED: Final = "LoadFailed"
PREDICTION_STALLED: Final = "PredictionStalled"  # a prediction did not return
IDENTITY_MISMATCH: Final = "IdentityMismatch"
NO_READY_PODS: Final = "NoReadyPods"
STARTUP_TIMEOUT: Final = "StartupTimeout"
EVALUATION_FAILED: Final = "EvaluationFailed"  # Podium could not evaluate the evidence: tripwires and Git decide alone
GUARD_FAILED: Final = "GuardFailed"
CONSECUTIVE_FAILURES: Final = "ConsecutiveFailures"
SHARED_OUTAGE: Final = "SharedOutage"  # the champion fails the same guard: the version is not rejected
EVIDENCE_TIMEOUT: Final = "EvidenceTimeout"

# What ends a trial and is not the version's own: it is held, and tried again
IMAGE_UNAVAILABLE: Final = "ImageUnavailable"  # the image cannot be pulled
UNSCHEDULABLE: Final = "Unschedulable"  # no node has room
CONTAINER_NOT_CREATED: Final = "ContainerNotCreated"  # a Secret or a ConfigMap is missing
PODS_REFUSED: Final = "PodsRefused"  # a quota or an admission webhook
MODEL_NOT_FETCHED: Final = "ModelNotFetched"  # the pods did not get the model from the registry
NO_STORAGE: Final = "NoStorage"  # the disk of the pods' node
NODE_LOST: Final = "NodeLost"  # a reboot, an eviction, a shutdown
AWAITING_CHAMPION: Final = "AwaitingChampion"  # its own answers decide whether the version is rejected
CHAMPION_INCONCLUSIVE: Final = "ChampionInconclusive"  # a guard failed; too few answers of the champion to tell why
PODS_NOT_SCRAPED: Final = "PodsNotScraped"  # the pods are ready, and Podium cannot read their metrics

# Whether an Alert's or a Provider's events can be delivered: their condition Ready
SUCCEEDED: Final = "Succeeded"  # the last delivery, or nothing was to be delivered yet
SUSPENDED: Final = "Suspended"  # spec.suspend
PROVIDER_NOT_FOUND: Final = "ProviderNotFound"  # the Alert names a Provider that is not there
DELIVERY_FAILING: Final = "DeliveryFailing"  # the receiver does not take events; they wait
EVENT_REFUSED: Final = "EventRefused"  # the receiver takes events, but not this one, which is left out
TOO_MANY_ALERTS: Final = "TooManyAlerts"  # the namespace has more Alerts than are served


def page(reason: str) -> str:
    """Where the repository has the cause and the fix of a reason; `make docs` builds the same page for the site."""
    return f"docs/reasons/{reason}.md"
