"""The node image made on the spot: Debian packages, Go programs and the files of the kind module.

Layers, each under the key of its own recipe and of the layers that it stands on:

    kubernetes  coredns  pause       programs, from Go modules
    base                             Debian with Python, from debootstrap; Podium's own images stand on it too
    packages                         base and what a node needs: systemd, containerd, iptables ...
    control-plane                    the archive of the images that kubeadm asks for
    node                             packages, kind's files, Kubernetes and that archive, imported

Where each step comes from: `images/base/Dockerfile` and `pkg/build/nodeimage` in the kind module.
"""

import re
import shutil
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from testbed import gobuild, layers, places
from testbed.buildah import Buildah
from testbed.commands import run, run_logged
from testbed.forecast import Usual

KUBERNETES = "v1.34.4"
KIND_MODULE = "sigs.k8s.io/kind"
DEBIAN = "bookworm"
COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kubelet",
)


def kubernetes() -> Path:
    """The binary that holds every component."""
    variables = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    stamps = [f"{variables}.gitVersion={KUBERNETES}", f"{variables}.gitMajor={major}", f"{variables}.gitMinor={minor}"]
    return gobuild.program("kubernetes", stamps=stamps)


def component(name: str) -> Path:
    """A path under which the binary is the component of that name."""
    binary = kubernetes()
    link = binary.with_name("bin") / name
    if not link.exists():
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(f"../{binary.name}")
    return link


def kind() -> Path:
    """The program `kind`."""
    return gobuild.program("kind", package=KIND_MODULE)


def base(buildah: Buildah) -> str:
    """Debian's smallest system with Python: 40 s to build, and what Podium's own images are built on."""
    packages = (places.recipe("base") / "packages").read_text().split()
    key = layers.key_of(places.recipe("base"), DEBIAN)

    def build(image: str) -> None:
        root = places.folder("work") / f"base-{key}"
        shutil.rmtree(root, ignore_errors=True)
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", DEBIAN, str(root), *_mirror()]
        run_logged("debootstrap", command, layers.log_of("base"), forecast=Usual("base"))
        run(["sh", places.recipe("base") / "slim.sh", root])
        buildah.commit_folder(root, image)
        shutil.rmtree(root)

    return buildah.kept_image("base", key, build)


def _mirror() -> list[str]:
    """The mirror that this machine's apt uses for that release; none where it has none, then debootstrap knows one."""
    listing = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages"]
    rows = [line.split() for line in run(listing, check=False).splitlines()]
    return [uri for uri, codename, component in rows if (codename, component) == (DEBIAN, "main")][:1]


def packages(buildah: Buildah) -> str:
    """The base, and what Debian has of a node: systemd, containerd, iptables ..."""
    return _from_recipe(buildah, "packages", {}, {"BASE": base(buildah)})


def _from_recipe(buildah: Buildah, name: str, files: Mapping[str, Path], arguments: Mapping[str, str]) -> str:
    """The image of the Containerfile in a recipe; `files` are put into its context beside the recipe's own."""
    inputs = [each for target, source in files.items() for each in (target, layers.identity(source))]
    key = layers.key_of(places.recipe(name), *inputs, *(f"{k}={v}" for k, v in arguments.items()))

    def build(image: str) -> None:
        context = _context(name, files)
        buildah.build(image, context / "Containerfile", context, arguments, layers.log_of(name))
        shutil.rmtree(context)

    return buildah.kept_image(name, key, build)


def _context(name: str, files: Mapping[str, Path]) -> Path:
    context = places.folder("work") / name
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(places.recipe(name), context)
    for target, source in files.items():
        place = context / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, symlinks=True)
        else:
            shutil.copy2(source, place)
    return context


def control_plane(buildah: Buildah) -> Path:
    """The archive of all images that a node needs to start, under the names by which kubeadm asks for them."""
    below = packages(buildah)
    programs = {name: gobuild.program(name) for name in ("coredns", "pause")} | {"kubernetes": kubernetes()}
    names = image_names()
    inputs = [layers.identity(program) for program in programs.values()]
    key = layers.key_of(places.recipe("control-plane"), below, *inputs, *names)

    def build(target: Path) -> None:
        context = _context("control-plane", {f"files/{name}": path for name, path in programs.items()})
        links = context / "components"
        links.mkdir()
        for name in COMPONENTS:
            (links / name).symlink_to("kubernetes")
        shutil.move(context / "files" / "kubernetes", links / "kubernetes")
        log = layers.log_of("control-plane")
        for name in names:
            buildah.build(name, context / "Containerfile", context, {"PACKAGES": below}, log, stage=stage_of(name))
        buildah.save(names, target / "images.tar")
        shutil.rmtree(context)

    return layers.kept_folder("control-plane", key, build) / "images.tar"


def image_names() -> list[str]:
    """What kubeadm and kind's containerd settings ask for."""
    listing = [str(component("kubeadm")), "config", "images", "list", "--kubernetes-version", KUBERNETES]
    settings = (kind_files() / "etc/containerd/config.toml").read_text()
    sandbox = re.findall(r'sandbox_image = "(.+)"', settings)
    return sorted({*run(listing).split(), *sandbox})


def stage_of(image: str) -> str:
    """Which stage of the Containerfile makes an image: its last name, or that of the binary with all components."""
    name = image.rsplit("/", 1)[-1].partition(":")[0]
    return name if name in ("coredns", "kube-proxy", "pause") else "components"


def kind_files() -> Path:
    """Kind's own files for its nodes: the entrypoint, units, settings of containerd."""
    return gobuild.module_folder("kind", KIND_MODULE) / "images/base/files"


def node(buildah: Buildah) -> str:
    """The image of a node."""
    _build_side_by_side(buildah)
    files = {"kind": kind_files(), "kubernetes": kubernetes(), "images.tar": control_plane(buildah)}
    return _from_recipe(buildah, "node", files, {"PACKAGES": packages(buildah), "VERSION": KUBERNETES})


def _build_side_by_side(buildah: Buildah) -> None:
    """What needs nothing of each other: Debian's packages mostly wait for the network, compilers for the processor."""
    with ThreadPoolExecutor() as pool:
        builds: list[Future[Any]] = [pool.submit(kubernetes), pool.submit(packages, buildah)]
        for build in builds:
            build.result()
