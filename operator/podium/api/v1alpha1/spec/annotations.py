"""Annotations of pods that loosen the sandbox, or have others put something into it. No policy grants them.

What runs containers, and what injects into pods, reads these; none of it is a field that admission checks by the Pod
Security Standards' name of it.
"""

import re
from collections.abc import Iterable
from typing import Final

PREFIXES: Final = (
    "container.apparmor.security.beta.kubernetes.io/",  # AppArmor, before Kubernetes 1.30
    "container.seccomp.security.alpha.kubernetes.io/",
    "io.kubernetes.cri-o.",  # devices, user namespaces and mounts of CRI-O
    "cdi.k8s.io/",  # devices of the node, without asking for them
    "io.katacontainers.config.",  # hypervisor and kernel of Kata Containers
    "run.oci.",  # hooks of crun
    "nri.io/",  # plugins of containerd
    "devices.nri.io/",
    "k8s.v1.cni.cncf.io/",  # further networks (Multus)
    "v1.multus-cni.io/",  # another network in place of the cluster's
    "k8s.ovn.org/",
    "policy.cilium.io/",
    "cni.projectcalico.org/",  # addresses of a pod
    "ovn.kubernetes.io/",
    "dev.gvisor.",
    "sidecar.istio.io/",  # volumes, images and ports of the sidecar
    "inject.istio.io/",
    "traffic.sidecar.istio.io/",
    "proxy.istio.io/",
    "config.linkerd.io/",
    "linkerd.io/inject",
    "vault.hashicorp.com/",  # an agent with secrets of a role
    "dapr.io/",
)
NAMES: Final = frozenset(
    {"seccomp.security.alpha.kubernetes.io/pod", "io.kubernetes.cri-o.userns-mode", "kubernetes.io/psp"}
)
# Names of CRI-O's, of which there are new ones with each release, such as devices.crio.io and cpu-quota.crio.io.
_OF_CRI_O: Final = r"([^/]*[.])?cri-?o[.]io(/|$)"
# The beginnings of all of them, as a regular expression that CEL reads, too.
LOOSENING: Final = "|".join(
    [
        *(f"{name}$".replace(".", "[.]") for name in sorted(NAMES)),
        *(prefix.replace(".", "[.]") for prefix in PREFIXES),
        _OF_CRI_O,
    ]
)
# By these, whoever makes DNS records gives a pod or a Service host names, separated by commas.
HOSTNAMES: Final = (
    "external-dns.alpha.kubernetes.io/hostname",
    "external-dns.alpha.kubernetes.io/internal-hostname",
)


def loosening(annotations: Iterable[str]) -> list[str]:
    """Those of the keys that a pod of Podium's may not have, sorted."""
    return sorted(key for key in annotations if re.match(LOOSENING, key) is not None)
