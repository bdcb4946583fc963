"""The command itself: which verbs there are. None of them is imported before it is asked for."""

from importlib import import_module
from typing import Final, NamedTuple

import click
from click.shell_completion import CompletionItem


class Verb(NamedTuple):
    """Where a verb is, what it does, and the extra of the package that it needs."""

    module: str  # of podium.cli; the command in it has the name of the verb
    help: str
    extra: str
    command: str = ""  # in the module, where the verb's own name means something else in Python


VERBS: Final = {
    "abort": Verb("abort", "Take a version on trial out of traffic at once, and keep it out.", "cli"),
    "approve": Verb("approve", "Approve a version, for the gates that ask for it.", "cli"),
    "check": Verb("check", "Say whether the cluster is fit: versions, rights, gateway, registry, Prometheus.", "cli"),
    "completion": Verb("completion", "Print the script by which bash, zsh or fish completes podium.", "cli"),
    "dashboard": Verb("dashboard", "Show the fleet and each rollout in a browser, on this machine.", "cli,dashboard"),
    "diff": Verb("diff", "Show which fields a file would change in the cluster.", "cli"),
    "drift": Verb("drift", "Compare what a version was asked with its training profile.", "cli"),
    "events": Verb("events", "Show the Events about a ModelDeployment.", "cli"),
    "explain": Verb("explain", "Show a trial: each gate and guard with evidence, limit and verdict.", "cli"),
    "get": Verb("get", "Show a ModelDeployment as a tree: versions, pods, steps, gates and guards; -w watches.", "cli"),
    "history": Verb("history", "Show what was decided of which version, and why.", "cli"),
    "list": Verb("list", "Show all ModelDeployments: versions, phase, weight, nearest guard.", "cli", "list_"),
    "logs": Verb("logs", "Show the logs of a version's pods, or of all; -f follows them.", "cli"),
    "migrate": Verb(
        "migrate", "Bring MLflow's stages, pickles and folders into the registry as Podium reads it.", "cli"
    ),
    "models": Verb("models", "Look at a registry's versions, compare them, and promote one.", "cli"),
    "pause": Verb("pause", "Stop all progress of a rollout; a rollback is never stopped.", "cli"),
    "plan": Verb("plan", "Say what a file would do to a rollout, before it is applied.", "cli"),
    "promote": Verb("promote", "Let a version on trial skip its step, or all that is left.", "cli"),
    "resume": Verb("resume", "Let a paused rollout go on.", "cli"),
    "retry": Verb("retry", "Give a rejected, aborted or blocked version another try.", "cli"),
    "rollback": Verb("rollback", "Return to the champion before this one, also in mid-trial.", "cli"),
    "schema": Verb("schema", "Print the CRD, the JSON Schema for editors, or the reference.", "cli"),
    "score": Verb("score", "Score a CSV or Parquet file larger than memory.", "cli,runtime"),
    "serve": Verb("serve", "Serve a model version on this machine.", "cli,runtime"),
    "set": Verb("set", "Name another version, or follow another alias.", "cli", "set_"),
    "simulate": Verb("simulate", "Try a ModelDeployment on assumed versions, in virtual time.", "cli"),
    "snapshots": Verb(
        "snapshots", "Keep versions of a configuration in MLflow, list, show and compare them.", "cli,runtime"
    ),
    "status": Verb("status", "Say by the exit code where a rollout stands; --wait waits for its end.", "cli"),
    "undo": Verb("undo", "Name the champion again, or the one before.", "cli"),
    "validate": Verb(
        "validate", "Check ModelDeployments, Providers and Alerts in YAML files, without a cluster.", "cli"
    ),
}


class Verbs(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        try:
            return _command(cmd_name, verb)
        except click.ClickException:
            if ctx.resilient_parsing:  # a shell completes: it cannot show why
                return None
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs, without importing them; and the options of the command itself."""
        verbs = [CompletionItem(name, help=VERBS[name].help) for name in self.list_commands(ctx)]
        return [verb for verb in verbs if verb.value.startswith(incomplete)] + click.Command.shell_complete(
            self, ctx, incomplete
        )

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, VERBS[name].help) for name in self.list_commands(ctx)])


def _command(name: str, verb: Verb) -> click.Command:
    try:
        module = import_module(f"podium.cli.{verb.module}")
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "podium":
            raise
        message = f"{name} needs {missing.name}, which is not installed. Do: pip install 'podium[{verb.extra}]'"
        raise click.ClickException(message) from missing
    command: click.Command = getattr(module, verb.command or name)
    return command


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="podium")
def main() -> None:
    """Declarative, Git-driven, self-defending rollout of ML models on Kubernetes."""


if __name__ == "__main__":
    main()
