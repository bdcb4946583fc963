"""Annotations of pods that loosen the sandbox, or have others put something into it. No policy grants them.

What runs containers, and what injects into pods, reads these; none of it is a field that admission checks by the Pod
Security Standards' name of it.
"""

from collections.abc import Iterable
from typing import Final

PREFIXES: Final = (
    "container.apparmor.security.beta.kubernetes.io/",  # AppArmor, before Kubernetes 1.30
    "container.seccomp.security.alpha.kubernetes.io/",
    "io.kubernetes.cri-o.",  # devices, user namespaces and mounts of CRI-O
    "io.katacontainers.config.",  # hypervisor and kernel of Kata Containers
    "run.oci.",  # hooks of crun
    "nri.io/",  # plugins of containerd
    "devices.nri.io/",
    "k8s.v1.cni.cncf.io/",  # further networks (Multus)
    "cni.projectcalico.org/",  # addresses of a pod
    "ovn.kubernetes.io/",
    "dev.gvisor.",
    "sidecar.istio.io/",  # volumes, images and ports of the sidecar
    "inject.istio.io/",
    "traffic.sidecar.istio.io/",
    "proxy.istio.io/",
    "config.linkerd.io/",
    "vault.hashicorp.com/",  # an agent with secrets of a role
    "dapr.io/",
)
NAMES: Final = frozenset(
    {"seccomp.security.alpha.kubernetes.io/pod", "io.kubernetes.cri-o.userns-mode", "kubernetes.io/psp"}
)


def loosening(annotations: Iterable[str]) -> list[str]:
    """Those of the keys that a pod of Podium's may not have, sorted."""
    return sorted(key for key in annotations if key in NAMES or key.startswith(PREFIXES))
