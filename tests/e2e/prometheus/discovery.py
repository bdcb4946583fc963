"""What Prometheus' own discovery of pods does, as far as scrape configurations for annotations need it.

Debian's Prometheus is built without it. Every second the pods are listed, and written as targets with the labels that
`kubernetes_sd_configs` gives to pods, so that the rules of a usual configuration work as they are.
"""

import json
import re
import ssl
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

API = "https://kubernetes.default.svc/api/v1/pods"
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
PERIOD = 1.0  # seconds


def main(file: Path) -> None:
    """List and write until killed."""
    previously_promoted = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    while True:
        token = (ACCOUNT / "token").read_text()  # the kubelet renews it
        request = urllib.request.Request(API, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=5, context=previously_promoted) as answer:
                write(file, targets(json.load(answer)["items"]))
        except (OSError, ValueError) as error:
            print(f"pods cannot be listed: {error}", file=sys.stderr, flush=True)
        time.sleep(PERIOD)


def write(file: Path, content: list[dict[str, Any]]) -> None:
    """Replace the file at once: Prometheus never reads half of it."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.rename(file)


def targets(pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One target for each pod that has an address. Its port is left to the rules."""
    return [{"targets": [pod["status"]["podIP"]], "labels": labels(pod)} for pod in pods if pod["status"].get("podIP")]


def labels(pod: dict[str, Any]) -> dict[str, str]:
    """Prometheus' labels of a pod: https://prometheus.io/docs/prometheus/latest/configuration/configuration/#pod."""
    metadata, found = pod["metadata"], {}
    for kind in ("label", "annotation"):
        for name, text in (metadata.get(f"{kind}s") or {}).items():
            found[f"__meta_kubernetes_pod_{kind}_{re.sub(r'[^a-zA-Z0-9_]', '_', name)}"] = text
    return found | {
        "__meta_kubernetes_namespace": metadata["namespace"],
        "__meta_kubernetes_pod_name": metadata["name"],
        "__meta_kubernetes_pod_ip": pod["status"]["podIP"],
        "__meta_kubernetes_pod_phase": pod["status"]["phase"],
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
