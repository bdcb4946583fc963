"""`podium schema`: what Podium's objects and events may hold, for the API server, for editors and for people."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import click
import yaml

from podium.api.v1alpha1.manifest import KIND
from podium.api.v1alpha1.policy import POLICY_KIND
from podium.api.v1alpha1.schema.admission import admission_policy
from podium.api.v1alpha1.schema.alerting import PLURALS, alerting_definition
from podium.api.v1alpha1.schema.crd import definition
from podium.api.v1alpha1.schema.events import events_schema
from podium.api.v1alpha1.schema.jsonschema import MANIFESTS, json_schema
from podium.api.v1alpha1.schema.policy import policy_definition
from podium.api.v1alpha1.schema.reference import reference

_HEADER = "# Made of operator/podium/api by `make crds`. Change the models there, not this file.\n"


_DEFINITIONS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {
    KIND: definition,
    **{kind: partial(alerting_definition, kind) for kind in PLURALS},
    POLICY_KIND: policy_definition,
}


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - people read this file: nothing stands elsewhere
        return True


def crd_yaml(kind: str = KIND) -> str:
    """The CustomResourceDefinition as YAML."""
    made = _DEFINITIONS[kind]()
    return _HEADER + yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=110)


def admission_yaml() -> str:
    """The ValidatingAdmissionPolicy as YAML."""
    return _HEADER + yaml.dump(admission_policy(), Dumper=_Dumper, sort_keys=False, width=110)


def schema_json(kind: str = KIND) -> str:
    """The JSON Schema as text."""
    return _text(json_schema(kind))


def events_json() -> str:
    """The JSON Schema of events as text."""
    return _text(events_schema())


def _text(found: Mapping[str, Any]) -> str:
    return json.dumps(found, indent=2) + "\n"


# By form and kind
FORMS: Final[Mapping[tuple[str, str], Callable[[], str]]] = {
    **{("json", kind): partial(schema_json, kind) for kind in MANIFESTS},
    **{("crd", kind): partial(crd_yaml, kind) for kind in MANIFESTS},
    ("markdown", KIND): reference,
    ("events", KIND): events_json,
    ("admission", KIND): admission_yaml,
}


@click.command(short_help="Print the CRDs, the JSON Schemas for editors, or the reference.")
@click.argument("form", type=click.Choice(list(dict.fromkeys(form for form, _ in FORMS))), default="json")
@click.option("--kind", type=click.Choice(list(MANIFESTS)), default=KIND, show_default=True, help="Kind of object.")
def schema(form: str, kind: str) -> None:
    """Print what a ModelDeployment, a Provider, an Alert or a PodiumPolicy may hold, or the events that are sent.

    `json` is a JSON Schema, which editors and CI use; `crd` is what `kubectl apply -f -` takes; `markdown` is the
    reference for people; `events` is the JSON Schema of the CloudEvents that tell of decisions; `admission` is a
    ValidatingAdmissionPolicy that refuses what a PodiumPolicy does not grant.
    """
    if (form, kind) not in FORMS:
        raise click.UsageError(f"{form} is about all kinds: leave out --kind")
    click.echo(FORMS[form, kind](), nl=False)
