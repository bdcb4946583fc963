"""The ConfigMap that names the version which a slot's pods are to serve, where they reload in place."""

import json

from podium.adapters.kubernetes import names, render
from podium.adapters.kubernetes.pod_specs import MODEL_FILE, Json, model_uri
from podium.api.v1alpha1.spec.spec import Spec
from podium.api.v1alpha1.status import Pinned


def reloads(pods: Json) -> bool:
    """Whether pods of this template load in place what their slot's ConfigMap names."""
    return names.RELOAD in (pods.get("metadata", {}).get("labels") or {})


def model_file(owner: render.Owner, spec: Spec, pinned: Pinned) -> Json:
    """The ConfigMap whose file names the version that the slot's pods are to serve. They prove what they do serve."""
    made = render.owned_object(
        owner,
        names.slot_name(owner.name, pinned.slot),
        kind=("v1", "ConfigMap"),
        labels=render.labels_of(owner, spec, pinned.slot),
        annotations=render.identity_of(pinned),
        spec={},
    )
    del made["spec"]
    word = {"uri": model_uri(spec, pinned), "digest": pinned.digest}
    return {**made, "data": {MODEL_FILE: json.dumps(word)}}
