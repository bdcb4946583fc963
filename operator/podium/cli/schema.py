"""`podium schema`: the CustomResourceDefinition, and the JSON Schema for editors."""

import json

import click
import yaml

from podium.api.crd import definition
from podium.api.schema import json_schema

_HEADER = "# Made of operator/podium/api by `make crds`. Change the models there, not this file.\n"


@click.command(short_help="Print the CustomResourceDefinition, or the JSON Schema for editors.")
@click.argument("form", type=click.Choice(["crd", "json"]), default="json")
def schema(form: str) -> None:
    """Print the schema of a ModelDeployment.

    `json` is a JSON Schema, which editors and CI use; `crd` is what `kubectl apply -f -` takes.
    """
    click.echo(crd_yaml() if form == "crd" else schema_json(), nl=False)


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - people read this file: nothing stands elsewhere
        return True


def crd_yaml() -> str:
    """The CustomResourceDefinition as YAML."""
    return _HEADER + yaml.dump(definition(), Dumper=_Dumper, sort_keys=False, width=110)


def schema_json() -> str:
    """The JSON Schema as text."""
    return json.dumps(json_schema(), indent=2) + "\n"
