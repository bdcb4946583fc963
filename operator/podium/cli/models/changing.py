"""`podium models tag` and `podium models semver`: what is written beside a version."""

from collections.abc import Mapping

import click

from podium.cli.models.asking import asks, model, number
from podium.cli.models.shown import as_json
from podium.cli.objects import InputError
from podium.cli.options import as_json as json_option
from podium.core.printable import plain
from podium.core.semantic_versions import SemanticVersion
from podium.registry import Registry
from podium.registry.registry import own_tags


@click.command(short_help="Set and remove tags of a version.")
@model
@number
@click.argument("tags", nargs=-1, required=True, metavar="KEY=VALUE|KEY- ...")
@asks
@json_option
def tag(model: str, version: str, tags: tuple[str, ...], registry: Registry, *, as_object: bool) -> None:
    """Set tags (KEY=VALUE) of VERSION of MODEL, and remove others (KEY-). Podium's own are not set by hand.

    Exit code: 0 when they are as wanted, 1 when they could not be set, 2 for wrong arguments.
    """
    new, gone = _read(tags)
    kept = own_tags([*new, *gone])
    if kept:
        raise InputError(
            f"{', '.join(kept)} is a tag that Podium keeps; do: podium models promote, or podium models semver"
        )
    found = registry.version(model, version)
    registry.set_tags(model, found.number, {key: value for key, value in new.items() if found.tags.get(key) != value})
    registry.remove_tags(model, found.number, [key for key in gone if key in found.tags])
    after = registry.version(model, found.number).tags
    if as_object:
        click.echo(as_json(dict(sorted(after.items()))))
    else:
        click.echo(f"version {found.number} of {model} has the tags {plain(_told(after)) or 'none'}")


@click.command(short_help="Give a version its semantic version.")
@model
@number
@click.argument("semver", required=False, metavar="[MAJOR.MINOR.PATCH]")
@click.option("--base", help="Version that it comes after.  [default: the champion]")
@click.option("--write", is_flag=True, help="Write what is proposed.")
@asks
@json_option
def semver(
    model: str, version: str, semver: str | None, base: str | None, registry: Registry, *, write: bool, as_object: bool
) -> None:
    """Say which semantic version fits the signature of VERSION of MODEL, or give it one.

    Major: what called the base can no longer call it. Minor: it takes or gives more. Patch: the rest. The first one
    is 1.0.0. Without a number it is proposed; with --write, or a number, it is written as tag podium.dev/semver.

    Exit code: 0 when it was said or written, 1 when there is no signature or the number is taken, 2 for wrong
    arguments.
    """
    found = registry.version(model, version)
    given = _given(semver)
    chosen = given or (found.semver if not write else None) or registry.proposed(model, found.number, base)
    if chosen is None:
        raise InputError(
            f"no semantic version can be proposed for version {found.number} of {model}: it, or its base, has no "
            "signature; do: log it with signature or input_example, or name the number"
        )
    writes = (given is not None or write) and chosen != found.semver
    if writes:
        registry.set_semver(model, found.number, chosen)
    if as_object:
        click.echo(as_json({"model": model, "version": found.number, "semver": str(chosen), "written": writes}))
    else:
        done = "is now" if writes else "is" if chosen == found.semver else "would be"
        click.echo(f"version {found.number} of {model} {done} {chosen}")


def _given(text: str | None) -> SemanticVersion | None:
    if text is None:
        return None
    found = SemanticVersion.parsed(text)
    if found is None:
        raise click.BadParameter(f"expected MAJOR.MINOR.PATCH, such as 1.2.0, found {text}", param_hint="semver")
    return found


def _read(tags: tuple[str, ...]) -> tuple[dict[str, str], list[str]]:
    new: dict[str, str] = {}
    gone: list[str] = []
    for each in tags:
        key, equals, value = each.partition("=")
        if equals and key:
            new[key] = value
        elif each.endswith("-") and len(each) > 1:
            gone.append(each[:-1])
        else:
            raise click.BadParameter(f"expected KEY=VALUE or KEY-, found {each}", param_hint="tags")
    return new, gone


def _told(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))
