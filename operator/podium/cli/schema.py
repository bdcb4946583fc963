"""`podium schema`: what a ModelDeployment may hold, for the API server, for editors and for people."""

import json
from collections.abc import Callable, Mapping
from typing import Final

import click
import yaml

from podium.api.v1alpha1.schema.crd import definition
from podium.api.v1alpha1.schema.jsonschema import json_schema
from podium.api.v1alpha1.schema.reference import reference

_HEADER = "# Made of operator/podium/api by `make crds`. Change the models there, not this file.\n"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - people read this file: nothing stands elsewhere
        return True


def crd_yaml() -> str:
    """The CustomResourceDefinition as YAML."""
    return _HEADER + yaml.dump(definition(), Dumper=_Dumper, sort_keys=False, width=110)


def schema_json() -> str:
    """The JSON Schema as text."""
    return json.dumps(json_schema(), indent=2) + "\n"


FORMS: Final[Mapping[str, Callable[[], str]]] = {"json": schema_json, "crd": crd_yaml, "markdown": reference}


@click.command(short_help="Print the CRD, the JSON Schema for editors, or the reference.")
@click.argument("form", type=click.Choice(list(FORMS)), default="json")
def schema(form: str) -> None:
    """Print what a ModelDeployment may hold.

    `json` is a JSON Schema, which editors and CI use; `crd` is what `kubectl apply -f -` takes; `markdown` is the
    reference for people.
    """
    click.echo(FORMS[form](), nl=False)
