"""The container engine's command line: what `docker` and `podman` have in common."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testbed.commands import pipe, run, succeeds
from testbed.processes import is_alive, kill_and_wait


@dataclass(frozen=True)
class Engine:
    """`docker` or `podman`, with the environment that it and kind are run in."""

    command: str
    env: Mapping[str, str] = field(default_factory=dict)

    def run(self, *words: str, input: str | None = None, check: bool = True, timeout: float = 120) -> str:
        return run([self.command, *words], env=self.env, input=input, check=check, timeout=timeout)

    def lines(self, *words: str) -> list[str]:
        return self.run(*words).split()

    def has_image(self, image: str) -> bool:
        return succeeds([self.command, "image", "inspect", image], env=self.env)

    def image_id(self, image: str) -> str:
        """`sha256:…` of the image's configuration; the same in Docker, Podman and containerd."""
        found = self.run("image", "inspect", "--format", "{{.Id}}", image).strip()
        return f"sha256:{found.removeprefix('sha256:')}"

    def containers(self, label: str) -> list[str]:
        """Names of containers with that label, dead ones too."""
        return self.lines("ps", "--all", "--filter", f"label={label}", "--format", "{{.Names}}")

    def save_into(self, image: str, container: str, *consumer: str) -> str:
        """Streams an image into a program in a container."""
        return pipe(
            [self.command, "save", image], [self.command, "exec", "--interactive", container, *consumer], env=self.env
        )

    def running(self, containers: Sequence[str]) -> list[str]:
        """Those of the containers whose first process lives."""
        return [name for name in containers if self._pid(name)]

    def _pid(self, container: str) -> int:
        """The first process as this machine numbers it; 0 for a dead one."""
        pid = self.run("inspect", "--format", "{{.State.Pid}}", container, check=False).strip()
        return int(pid) if pid.isdigit() and is_alive(int(pid)) else 0

    def kill(self, containers: Sequence[str]) -> None:
        """Ends containers without their monitors' help: these may be dead too, and then `rm` waits for them in vain."""
        for name in containers:
            if pid := self._pid(name):
                kill_and_wait(pid)

    def volumes(self, cluster: str) -> list[str]:
        """Volumes that kind made for the nodes of a cluster. (With Docker they are anonymous, and go with the nodes.)"""
        rows = self.run("volume", "ls", "--format", "{{.Name}} {{.Labels}}").splitlines()
        label = re.compile(rf"(?<![\w-]){re.escape(cluster)}-(control-plane|worker\d*)(?![\w-])")
        return [row.split()[0] for row in rows if label.search(row)]

    def has_network(self, name: str) -> bool:
        return name in self.lines("network", "ls", "--format", "{{.Name}}")
