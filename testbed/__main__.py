"""`python3 -m testbed`: one function for each command."""

import argparse
import json
import sys
from pathlib import Path

from testbed import gateway, images, places
from testbed.cluster import DEFAULT, Cluster
from testbed.errors import TestbedError


def up(cluster: Cluster, args: argparse.Namespace) -> None:
    """Start the cluster, and print what a shell needs to use it."""
    cluster.up(args.workers)
    print("\n".join(f"export {name}='{value}'" for name, value in cluster.env.items()))


def down(cluster: Cluster, _: argparse.Namespace) -> None:
    """Remove the cluster."""
    cluster.down()


def status(cluster: Cluster, args: argparse.Namespace) -> None:
    """Print whether the cluster is ready, as JSON."""
    reason = cluster.why_not_ready()
    found = {
        "name": cluster.name,
        "backend": cluster.backend.name,
        "ready": reason is None,
        "why_not_ready": reason,
        "nodes": cluster.nodes(),
        "kubeconfig": str(cluster.kubeconfig),
    }
    if args.json:
        print(json.dumps(found))
    else:
        print("\n".join(f"{name:<13} {value}" for name, value in found.items()))
    if reason:
        raise SystemExit(1)


def install_gateway(cluster: Cluster, _: argparse.Namespace) -> None:
    """Install Envoy Gateway, and print its address."""
    gateway.install(cluster)
    print(f"http://127.0.0.1:{gateway.PORT}/")


def kubeconfig(cluster: Cluster, _: argparse.Namespace) -> None:
    """Print the path of the kubeconfig."""
    print(cluster.kubeconfig)


def load(cluster: Cluster, args: argparse.Namespace) -> None:
    """Load images into every node."""
    cluster.load(*args.images)


def prepare(cluster: Cluster, _: argparse.Namespace) -> None:
    """Install the tools and build the node image, without a cluster."""
    cluster.backend.ensure_tools()
    cluster.backend.kind()
    print(cluster.backend.node_image())


def build_base(cluster: Cluster, _: argparse.Namespace) -> None:
    """Build the base image of all images, and print its name."""
    cluster.backend.ensure_tools()
    print(cluster.backend.base_image())


def image_build(cluster: Cluster, args: argparse.Namespace) -> None:
    """Build an image, and load it where asked."""
    arguments = dict(argument.split("=", 1) for argument in args.build_arg)
    image = images.build(cluster.backend, args.image, args.file, args.context, arguments)
    if args.load:
        cluster.load(image)
    print(image)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python3 -m testbed", description="A real Kubernetes cluster for tests.")
    top.add_argument("--name", default=DEFAULT, help="the cluster's name (default: %(default)s)")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: object, purpose: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=purpose, description=purpose)
        added.set_defaults(run=run)
        return added

    up_command = command("up", up, "start the cluster or see that it is up, and print what a shell needs to use it")
    up_command.add_argument(
        "--workers", type=int, nargs="?", help="nodes beside the control plane (default: as many as there are)"
    )
    command("down", down, "remove the cluster and all that belongs to it")
    command("status", status, "say how the cluster is").add_argument("--json", action="store_true")
    command("kubeconfig", kubeconfig, "print the path of the cluster's kubeconfig")
    command("gateway", install_gateway, "install Envoy Gateway, or see that it is there, and print where it answers")
    command("load", load, "put images on every node").add_argument("images", nargs="+", metavar="IMAGE")
    command("prepare", prepare, "build everything that a cluster needs and is not in the cache")
    command("build-base", build_base, "build the base of Podium's images and print its name")
    build = command("image", image_build, "build an image and print its name")
    build.add_argument("verb", choices=["build"])
    build.add_argument("image", help="a short name, such as podium-operator")
    build.add_argument("--file", type=Path, required=True, help="the Containerfile")
    build.add_argument("--context", type=Path, default=Path.cwd())
    build.add_argument("--build-arg", action="append", default=[], metavar="NAME=VALUE")
    build.add_argument("--load", action="store_true", help="put it on every node too")
    return top


def main() -> int:
    """Run one command. Returns the exit code."""
    args = parser().parse_args()
    try:
        args.run(Cluster(args.name), args)
    except TestbedError as error:
        print(f"testbed: {error}\ntestbed: logs of builds are in {places.folder('logs')}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
