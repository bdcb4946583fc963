"""The container engine's command line: what `docker` and `podman` have in common."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.commands import run, succeeds
from testbed.processes import is_in, kill_and_wait
from testbed.waiting import wait_until


@dataclass(frozen=True)
class Engine:
    """`docker` or `podman`, with the environment that it and kind are run in.

    A daemon knows which containers live, perhaps on another machine. Without one, each container has a monitor, and
    when that was killed only the processes themselves can tell.
    """

    command: str
    env: Mapping[str, str] = field(default_factory=dict)
    daemon: bool = False

    def run(
        self,
        *words: str,
        input: str | None = None,  # noqa: A002  as in subprocess.run
        check: bool = True,
        timeout: float = 120,
    ) -> str:
        """Run the engine's command, and return what it printed. With `check`, raises CommandFailed where it fails."""
        return run([self.command, *words], env=self.env, input=input, check=check, timeout=timeout)

    def lines(self, *words: str) -> list[str]:
        """What a command of the engine prints, word by word."""
        return self.run(*words).split()

    def has_image(self, image: str) -> bool:
        """Whether the image is here."""
        return succeeds([self.command, "image", "inspect", image], env=self.env)

    def image_id(self, image: str) -> str:
        """`sha256:…` of the image's configuration; the same in Docker, Podman and containerd."""
        found = self.run("image", "inspect", "--format", "{{.Id}}", image).strip()
        return f"sha256:{found.removeprefix('sha256:')}"

    def containers(self, label: str) -> list[str]:
        """Names of containers with that label, dead ones too."""
        return self.lines("ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}")

    def into(self, container: str, *command: str) -> list[str]:
        """The command line of a program in a container that reads our standard input."""
        return [self.command, "exec", "--interactive", container, *command]

    def running(self, containers: Sequence[str]) -> list[str]:
        """Those of the containers that live."""
        return [name for name in containers if (self._is_running(name) if self.daemon else self._pid(name))]

    def _is_running(self, container: str) -> bool:
        return self.run("inspect", "--format", "{{.State.Running}}", container, check=False).strip() == "true"

    def _pid(self, container: str) -> int:
        """The first process as this machine numbers it; 0 for a dead one, though its number may be another's now."""
        found = self.run("inspect", "--format", "{{.State.Pid}} {{.Id}}", container, check=False).split()
        pid, identity = (int(found[0]), found[1]) if found else (0, "")
        return pid if pid and is_in(pid, identity) else 0

    def remove(self, containers: Sequence[str]) -> None:
        """Removes containers with their volumes, also those whose monitors were killed.

        Without a daemon, `rm` would ask a dead monitor to end the processes, so they are ended first. It may fail
        still, once: then it has just found out that the container is dead.
        """
        for name in [] if self.daemon else containers:
            if pid := self._pid(name):
                kill_and_wait(pid)
        wait_until(f"{self.command} removes {', '.join(containers)}", lambda: self._removed(containers), 90)

    def _removed(self, containers: Sequence[str]) -> bool:
        self.run("rm", "--force", "--volumes", *containers, check=False)
        return not {*containers} & {*self.lines("ps", "--all", "--format", "{{.Names}}")}

    def volumes(self, cluster: str) -> list[str]:
        """Volumes that kind made for the nodes of a cluster. Docker's are anonymous, and go with the nodes."""
        return labelled(cluster, self.run("volume", "ls", "--format", "{{.Name}} {{.Labels}}").splitlines())

    def has_network(self, name: str) -> bool:
        """Whether the network exists."""
        return name in self.lines("network", "ls", "--format", "{{.Name}}")


def labelled(cluster: str, rows: Sequence[str]) -> list[str]:
    """The first words of the rows that name a node of the cluster, and not of one whose name only ends alike."""
    label = re.compile(rf"(?<![\w-]){re.escape(cluster)}-(control-plane|worker\d*)(?![\w-])")
    return [row.split()[0] for row in rows if label.search(row)]
