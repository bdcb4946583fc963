"""What every registry does: the fake, and a real MLflow server with logins."""

import hashlib
import math
from collections.abc import Awaitable
from dataclasses import replace

import pytest

from podium.api.v1alpha1 import reasons
from podium.core.digest import digest_of
from podium.core.facts import ModelVersion
from podium.errors import NotFound, PodiumError, Rejected, Temporary, Unavailable
from podium.ports import RegistryLogin
from tests.contract.registry_fixtures import query
from tests.contract.registry_worlds import EDITOR, NOBODY, READER, RegistryWorld, login
from tests.signing import Signer

EAST, WEST = "east/ml/churn", "west/ml/churn"
FILES = {"MLmodel": b"flavors: {}\n", "data/model.bin": b"\x80\x05 not to be unpickled", "data/with space": b""}


async def test_a_version_is_seen_with_its_metrics_and_tags(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(
        model, metrics={"auc": 0.83}, run_tags={"git_sha": "abc", "stage": "of the run"}, tags={"stage": "its own"}
    )
    seen = (await (await world.adapter()).query(query(editor, model, version))).desired
    assert seen is not None
    assert seen.version == version
    assert seen.metrics["auc"] == 0.83
    assert seen.tags["git_sha"] == "abc"
    assert seen.tags["stage"] == "its own"


async def test_the_digest_is_that_of_the_files(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    version = world.publish(model, files=FILES)
    seen = await (await world.adapter()).query(query(editor, model, version))
    assert seen.desired is not None
    assert seen.desired.digest == digest_of({path: hashlib.sha256(text).hexdigest() for path, text in FILES.items()})


async def test_a_digest_is_made_once_and_again_after_a_restart(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(model, files=FILES)
    registry, asked = await world.adapter(), query(editor, model, version)
    before = await registry.query(asked)
    world.overwrite(model, version, "MLmodel", b"flavors: {evil: {}}\n")
    assert (await registry.query(asked)).desired == before.desired
    after = await (await world.adapter()).query(asked)
    assert after.desired is not None
    assert before.desired is not None
    assert after.desired.digest != before.desired.digest


async def test_a_version_that_is_pinned_is_told_by_its_pin_without_reading_its_files(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    """An operator that begins beside ten thousand resting versions would download them all."""
    version, pin = world.publish(model, files=FILES), "sha256:" + "1" * 64
    asked = replace(query(editor, model, version), pinned=(("99", "sha256:" + "2" * 64), (version, pin)))
    seen = await (await world.adapter()).query(asked)
    assert seen.desired is not None
    assert seen.desired.digest == pin


async def test_a_version_is_had_only_where_an_allowed_key_has_signed_it(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    alice, mallory = Signer(), Signer()
    signed = world.publish(model, files=alice.signed(FILES))
    unsigned = world.publish(model, files=FILES)
    foreign = world.publish(model, files={**mallory.signed(FILES), "code/evil.py": b"x"})
    registry = await world.adapter()

    async def asked(version: str, *keys: str) -> str:
        try:
            seen = await registry.query(replace(query(editor, model, version), public_keys=keys))
        except Rejected as error:
            return f"{error.reason}: {error}"
        assert seen.desired is not None
        return "verified"

    assert await asked(signed, alice.public) == "verified"
    assert await asked(signed, mallory.public, alice.public) == "verified"
    assert (await asked(signed, mallory.public)).startswith(f"{reasons.SIGNATURE_NOT_VERIFIED}: ")
    assert "there is no file model.sig" in await asked(unsigned, alice.public)
    assert "signed by none of the keys" in await asked(foreign, alice.public)
    assert "for other files" in await asked(foreign, mallory.public)
    assert await asked(unsigned) == "verified", "nothing need be signed"


async def test_metrics_that_are_no_numbers_are_passed_on(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(model, metrics={"nan": math.nan})
    seen = await (await world.adapter()).query(query(editor, model, version))
    assert seen.desired is not None
    assert math.isnan(seen.desired.metrics["nan"])


async def test_an_alias_is_followed_to_its_version(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    first, second = world.publish(model), world.publish(model)
    world.point(model, "challenger", first)
    registry, asked = await world.adapter(), query(editor, model, alias="challenger")
    assert _version((await registry.query(asked)).desired) == first
    world.point(model, "challenger", second)
    assert _version((await registry.query(asked)).desired) == second


async def test_the_champion_is_seen_beside_the_wanted_version(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    first, second = world.publish(model, metrics={"auc": 0.8}), world.publish(model, metrics={"auc": 0.9})
    seen = await (await world.adapter()).query(query(editor, model, second, champion=first))
    assert seen.champion is not None
    assert (seen.champion.version, seen.champion.metrics["auc"]) == (first, 0.8)


async def test_a_champion_that_was_deleted_is_no_error(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    version = world.publish(model)
    assert (await (await world.adapter()).query(query(editor, model, version, champion="77"))).champion is None


@pytest.mark.parametrize("other", [True, False])
async def test_a_champion_of_another_registry_is_seen_where_this_one_has_its_bytes(
    world: RegistryWorld, editor: RegistryLogin, model: str, *, other: bool
) -> None:
    first, second = world.publish(model), world.publish(model)
    registry = await world.adapter()
    known = (await registry.query(query(editor, model, first))).desired
    assert known is not None
    asked = query(editor, model, second if other else first, champion=first)
    for digest, seen in ((known.digest, first), ("sha256:" + "0" * 64, None)):
        champion = (await registry.query(replace(asked, champion_digest=digest))).champion
        assert (champion.version if champion else None) == seen


async def test_the_target_of_the_champion_alias_is_seen(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(model)
    registry, asked = await world.adapter(), query(editor, model, version)
    assert (await registry.query(asked)).alias == ""
    await registry.move_alias(editor, model, "champion", version)
    assert (await registry.query(asked)).alias == version


async def test_a_models_revision_is_another_one_after_each_change_that_concerns_who_rests(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    """Tags do not: Podium writes them itself. More models than a few are asked for together."""
    first = world.publish(model)
    registry, asked = await world.adapter(), query(editor, model, first)
    many = {model, *(f"{model}-none-{number}" for number in range(20))}
    seen: list[str | None] = []
    for change in (
        lambda: None,
        lambda: registry.move_alias(editor, model, "champion", first),
        lambda: world.publish(model),
        lambda: world.point(model, "candidate", first),
    ):
        if (done := change()) is not None and not isinstance(done, str):
            await done
        seen.append((await registry.query(asked)).revision)
        assert await registry.revisions(editor, {model}) == {model: seen[-1]}
        assert await registry.revisions(editor, many) == {model: seen[-1]}
    assert len(set(seen)) == 4
    await registry.write_tags(editor, model, first, {"podium.dev/decision": "promoted"})
    assert await registry.revisions(editor, {model}) == {model: seen[-1]}


async def test_revisions_of_a_registry_that_does_not_answer_are_unavailable(world: RegistryWorld) -> None:
    for models in ({"churn"}, {f"churn-{number}" for number in range(20)}):
        with pytest.raises(Unavailable):
            await (await world.adapter()).revisions(login(NOBODY, EDITOR), models)


async def test_an_alias_moves_from_one_version_to_another(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    first, second = world.publish(model), world.publish(model)
    registry = await world.adapter()
    await registry.move_alias(editor, model, "champion", first)
    await registry.move_alias(editor, model, "champion", second)
    assert (await registry.query(query(editor, model, first))).alias == second


async def test_tags_that_were_written_are_seen_in_the_record(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(model, run_tags={"of": "the run"}, tags={"kept": "yes"})
    registry = await world.adapter()
    await registry.write_tags(editor, model, version, {"podium.dev/decided-at": "now", "podium.dev/reason": "é; \n"})
    seen = await registry.query(query(editor, model, version, record=(version, "77")))
    assert seen.tags == {version: {"kept": "yes", "podium.dev/decided-at": "now", "podium.dev/reason": "é; \n"}}


async def test_writing_a_tag_again_replaces_it(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    version = world.publish(model)
    registry = await world.adapter()
    for text in ("one", "two", "two"):
        await registry.write_tags(editor, model, version, {"podium.dev/decision": text})
    seen = await registry.query(query(editor, model, version, record=(version,)))
    assert seen.tags == {version: {"podium.dev/decision": "two"}}


async def test_a_wrong_name_is_missing(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    registry = await world.adapter()
    found = await _error(registry.query(query(editor, model, "1")), NotFound, reasons.MODEL_NOT_FOUND)
    assert "spec.model.name" in found
    assert model in found


async def test_a_version_that_is_not_there_is_missing(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    world.publish(model)
    registry = await world.adapter()
    found = await _error(registry.query(query(editor, model, "99")), NotFound, reasons.VERSION_NOT_FOUND)
    assert "99" in found
    assert "spec.model.version" in found


async def test_an_alias_that_is_not_set_is_missing(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    world.publish(model)
    asked = query(editor, model, alias="challenger")
    found = await _error((await world.adapter()).query(asked), NotFound, reasons.ALIAS_NOT_FOUND)
    assert "challenger" in found
    assert "spec.model.alias" in found


async def test_without_a_desired_version_the_champion_is_seen_with_its_alias_and_record(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    """What is asked where the desired version cannot be had."""
    version = world.publish(model)
    registry = await world.adapter()
    await registry.move_alias(editor, model, "champion", version)
    await registry.write_tags(editor, model, version, {"podium.dev/decision": "Promoted"})
    asked = query(editor, model, champion=version, record=(version,))
    seen = await registry.query(asked)
    assert seen.desired is None
    assert _version(seen.champion) == version
    assert seen.alias == version
    assert seen.tags == {version: {"podium.dev/decision": "Promoted"}}


@pytest.mark.parametrize(("status", "kind"), [("PENDING_REGISTRATION", Temporary), ("FAILED_REGISTRATION", Rejected)])
async def test_a_version_that_is_not_ready_is_an_error(
    world: RegistryWorld, editor: RegistryLogin, model: str, status: str, kind: type[PodiumError]
) -> None:
    version = world.publish(model, status=status)
    asked = query(editor, model, version)
    assert status in await _error((await world.adapter()).query(asked), kind, reasons.VERSION_NOT_READY)


async def test_a_version_without_files_is_an_error(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    version = world.publish(model, files={})
    await _error((await world.adapter()).query(query(editor, model, version)), NotFound, reasons.ARTIFACTS_MISSING)


async def test_a_server_that_does_not_answer_is_unreachable(world: RegistryWorld, model: str) -> None:
    registry, asker = await world.adapter(), login(NOBODY, EDITOR)
    found = await _error(registry.query(query(asker, model, "1")), Unavailable, reasons.REGISTRY_UNREACHABLE)
    assert NOBODY in found
    await _error(registry.move_alias(asker, model, "champion", "1"), Unavailable, reasons.REGISTRY_UNREACHABLE)
    await _error(registry.write_tags(asker, model, "1", {"a": "b"}), Unavailable, reasons.REGISTRY_UNREACHABLE)
    await _error(registry.write_record(asker, model, "1", "a.json", "{}"), Unavailable, reasons.REGISTRY_UNREACHABLE)


async def test_a_wrong_password_is_refused_and_never_told(world: RegistryWorld, model: str) -> None:
    version = world.publish(model)
    asker = login(world.uri, EDITOR, "a secret that is wrong")
    found = await _error((await world.adapter()).query(query(asker, model, version)), Rejected, reasons.LOGIN_REJECTED)
    assert "a secret" not in found


async def test_each_login_has_its_own_rights(world: RegistryWorld, editor: RegistryLogin, model: str) -> None:
    version = world.publish(model)
    registry, reader = await world.adapter(), login(world.uri, READER)
    assert (await registry.query(query(reader, model, version))).desired is not None
    await _error(registry.move_alias(reader, model, "champion", version), Rejected, reasons.LOGIN_REJECTED)
    await _error(registry.write_tags(reader, model, version, {"a": "b"}), Rejected, reasons.LOGIN_REJECTED)
    await registry.move_alias(editor, model, "champion", version)
    assert (await registry.query(query(reader, model, version))).alias == version


async def test_writing_to_a_version_that_is_not_there_is_missing(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    world.publish(model)
    registry = await world.adapter()
    await _error(registry.move_alias(editor, model, "champion", "99"), NotFound, reasons.VERSION_NOT_FOUND)
    await _error(registry.write_tags(editor, model, "99", {"a": "b"}), NotFound, reasons.VERSION_NOT_FOUND)
    await _error(registry.write_record(editor, model, "99", "a.json", "{}"), NotFound, reasons.VERSION_NOT_FOUND)


async def test_a_claim_is_seen_and_stays_until_its_owner_gives_it_back(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(model)
    registry, asked = await world.adapter(), query(editor, model, version)
    assert (await registry.query(asked)).claim == ""
    await registry.claim_alias(editor, model, "champion", EAST, "")
    await registry.claim_alias(editor, model, "champion", EAST, "")
    assert (await registry.query(asked)).claim == EAST
    assert (await registry.query(replace(asked, champion_alias="other"))).claim == ""
    await registry.release_alias(editor, model, "champion", WEST)
    assert (await registry.query(asked)).claim == EAST
    await registry.release_alias(editor, model, "champion", EAST)
    await registry.release_alias(editor, model, "champion", EAST)
    assert (await registry.query(asked)).claim == ""
    await registry.release_alias(editor, f"{model}-gone", "champion", EAST)


async def test_a_claim_replaces_only_the_one_that_was_seen(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(model)
    registry, asked = await world.adapter(), query(editor, model, version)
    await registry.claim_alias(editor, model, "champion", EAST, "")
    for seen in ("", "north/ml/churn"):
        found = await _error(
            registry.claim_alias(editor, model, "champion", WEST, seen), Rejected, reasons.ALIAS_CONFLICT
        )
        assert EAST in found
    await registry.claim_alias(editor, model, "champion", WEST, EAST)
    assert (await registry.query(asked)).claim == WEST


async def test_an_alias_is_moved_for_the_owner_of_its_claim_alone(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version = world.publish(model)
    registry = await world.adapter()
    moved = registry.move_alias(editor, model, "champion", version, EAST)
    await _error(moved, Rejected, reasons.ALIAS_CONFLICT)
    await registry.claim_alias(editor, model, "champion", WEST, "")
    moved = registry.move_alias(editor, model, "champion", version, EAST)
    assert WEST in await _error(moved, Rejected, reasons.ALIAS_CONFLICT)
    assert (await registry.query(query(editor, model, version))).alias == ""
    await registry.move_alias(editor, model, "champion", version, WEST)
    assert (await registry.query(query(editor, model, version))).alias == version


async def test_a_claim_is_another_revision_and_a_login_that_may_only_read_makes_none(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    world.publish(model)
    registry, reader = await world.adapter(), login(world.uri, READER)
    before = (await registry.revisions(editor, {model}))[model]
    await _error(registry.claim_alias(reader, model, "champion", EAST, ""), Rejected, reasons.LOGIN_REJECTED)
    assert (await registry.revisions(editor, {model}))[model] == before
    await registry.claim_alias(editor, model, "champion", EAST, "")
    assert (await registry.revisions(editor, {model}))[model] != before
    await _error(registry.release_alias(reader, model, "champion", EAST), Rejected, reasons.LOGIN_REJECTED)


async def test_an_alias_of_the_longest_name_can_be_claimed(
    world: RegistryWorld, editor: RegistryLogin, model: str
) -> None:
    version, alias = world.publish(model), "a" * 255
    registry = await world.adapter()
    await registry.claim_alias(editor, model, alias, EAST, "")
    assert (await registry.query(replace(query(editor, model, version), champion_alias=alias))).claim == EAST


def _version(seen: ModelVersion | None) -> str | None:
    return seen.version if seen else None


async def _error(asking: Awaitable[object], kind: type[PodiumError], reason: str) -> str:
    with pytest.raises(kind) as caught:
        await asking
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 1000
    return str(caught.value)
