"""A verb does what its caller has seen, or says what is so instead: never to another version, never to no effect."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.cli.api_server import ApiServer
from tests.unit.cli.conftest import CHURN, saved
from tests.unit.cli.test_steer import GATED, podium, state_of

Json = dict[str, Any]


def patched(cluster: ApiServer) -> list[Json]:
    return [each["spec"] for _, each in cluster.patches]


def put(cluster: ApiServer, value: Json, **spec: Any) -> None:
    value["spec"] |= spec
    cluster.put(CHURN, value)


def another_version(value: Json) -> None:
    value["spec"]["model"]["version"] = "9"


@pytest.mark.parametrize("words", [["abort"], ["promote"], ["promote", "--full"]])
def test_directly_after_another_version_was_named_no_verdict_hits_the_one_before(
    cluster: ApiServer, words: list[str]
) -> None:
    """They wrote version 7 into the spec, and said that it was done."""
    value = state_of("second_step")
    another_version(value)
    put(cluster, value)
    result = podium(words[0], "churn", *words[1:])
    assert result.exit_code == 1
    assert "spec.model.version is 9, and the status is about version 7" in result.output
    assert patched(cluster) == []


@pytest.mark.parametrize("version", ["9", "7"])
def test_abort_takes_the_one_of_the_two_that_is_said(cluster: ApiServer, version: str) -> None:
    value = state_of("second_step")
    another_version(value)
    put(cluster, value)
    assert podium("abort", "churn", "--version", version).exit_code == 0
    assert patched(cluster)[0]["rollout"]["abort"]["version"] == version


def test_abort_stops_what_was_named_while_nothing_is_on_trial(cluster: ApiServer) -> None:
    value = state_of("settled")
    another_version(value)
    put(cluster, value)
    assert podium("abort", "churn").exit_code == 0
    assert patched(cluster)[0]["rollout"]["abort"]["version"] == "9"


def test_abort_stops_what_is_named_while_the_version_before_is_rolled_back(cluster: ApiServer) -> None:
    value = state_of("second_step")
    value["status"]["phase"] = "RollingBack"
    another_version(value)
    put(cluster, value)
    assert podium("abort", "churn").exit_code == 0
    assert patched(cluster)[0]["rollout"]["abort"]["version"] == "9"


def test_an_alias_that_was_changed_is_seen_by_what_the_trial_keeps_of_the_spec(cluster: ApiServer) -> None:
    value = state_of("second_step")
    value["spec"]["model"] = {"name": "churn", "alias": "next"}
    value["status"]["trial"]["spec"] = {"model": {"name": "churn", "alias": "before"}}
    put(cluster, value)
    result = podium("abort", "churn")
    assert result.exit_code == 1
    assert "spec.model.alias is next, and the status is about version 7" in result.output
    value["status"]["trial"]["spec"]["model"]["alias"] = "next"
    put(cluster, value)
    assert podium("abort", "churn").exit_code == 0


@pytest.mark.parametrize("phase", ["Gating", "Blocked", "Starting", "Canary", "Promoting", "Soaking"])
def test_promote_ends_a_pause_in_every_phase_that_it_holds(cluster: ApiServer, phase: str) -> None:
    """In Promoting and Soaking it did nothing, and ended with 0."""
    value = state_of("watched" if phase == "Soaking" else "second_step")
    value["status"]["phase"] = phase
    put(cluster, value, paused=True)
    result = podium("promote", "churn")
    assert (result.exit_code, patched(cluster)) == (0, [{"paused": False}])
    assert "churn is not paused any more" in result.stdout


@pytest.mark.parametrize("phase", ["Promoting", "Soaking"])
def test_with_full_it_ends_the_pause_of_a_version_that_has_no_steps_left(cluster: ApiServer, phase: str) -> None:
    value = state_of("watched" if phase == "Soaking" else "second_step")
    value["status"]["phase"] = phase
    put(cluster, value, paused=True)
    assert podium("promote", "churn", "--full").exit_code == 0
    assert patched(cluster) == [{"paused": False}]


@pytest.mark.parametrize(
    "words", [["pause"], ["abort"], ["promote", "--full"], ["undo"], ["set", "version", "churn", "9"]]
)
def test_what_is_being_deleted_is_not_steered(cluster: ApiServer, words: list[str]) -> None:
    put(cluster, state_of("second_step", deletionTimestamp="2026-01-05T09:00:00Z"))
    result = podium(*(words if words[0] == "set" else [words[0], "churn", *words[1:]]))
    assert result.exit_code == 1
    assert "it is being deleted (metadata.deletionTimestamp)" in result.output
    assert patched(cluster) == []


def test_the_champion_is_not_aborted(cluster: ApiServer) -> None:
    for state, version in (("settled", "7"), ("second_step", "6")):
        put(cluster, state_of(state))
        result = podium("abort", "churn", "--version", version)
        assert result.exit_code == 1
        assert f"found champion {version}, which serves: an abort says nothing of it" in result.output
    assert patched(cluster) == []


def test_the_abort_of_a_version_that_is_not_on_trial_says_so(cluster: ApiServer) -> None:
    put(cluster, state_of("second_step"))
    result = podium("abort", "churn", "--version", "77")
    assert result.exit_code == 0
    assert "version 77 is not on trial: it is kept out if spec.model names it" in result.stdout


def test_what_is_aborted_is_not_promoted(cluster: ApiServer) -> None:
    put(cluster, state_of("second_step"))
    podium("abort", "churn")
    result = podium("promote", "churn", "--full")
    assert result.exit_code == 1
    assert "spec.rollout.abort takes version 7 out of the traffic; do: podium retry churn" in result.output


@pytest.mark.parametrize(
    ("words", "state"),
    [
        (["rollback", "churn"], "settled"),
        (["undo", "churn"], "settled"),
        (["set", "version", "churn", "9"], "settled"),
        (["set", "alias", "churn", "next"], "settled"),
        (["retry", "churn"], "rejected"),
        (["approve", "churn", "--by", "alice"], "gated"),
    ],
)
def test_a_pause_that_holds_what_follows_is_told(cluster: ApiServer, words: list[str], state: str) -> None:
    put(cluster, state_of(state), paused=True)
    result = podium(*words)
    assert result.exit_code == 0
    assert "churn is paused: none of that begins before `podium resume churn`" in result.stdout


def test_an_abort_is_said_again_with_another_reason(cluster: ApiServer) -> None:
    put(cluster, state_of("second_step"))
    podium("abort", "churn", "--by", "bob", "--reason", "one")
    assert podium("abort", "churn", "--reason", "another").exit_code == 0
    assert cluster.kept[CHURN]["spec"]["rollout"]["abort"] == {
        "version": "7",
        "model": "churn",
        "by": "bob",
        "reason": "another",
    }
    assert podium("abort", "churn").stdout.startswith("nothing to do")


def test_a_step_is_not_skipped_in_place_of_all_that_are_left(cluster: ApiServer) -> None:
    """`promote` after `promote --full` took the larger word away."""
    put(cluster, state_of("second_step"))
    podium("promote", "churn", "--full")
    assert podium("promote", "churn").stdout.startswith("nothing to do")
    assert cluster.kept[CHURN]["spec"]["rollout"]["promote"]["full"] is True


@pytest.mark.parametrize(
    ("words", "state", "change", "said"),
    [
        (["approve", "churn", "--by", "alice"], "gated", another_version, "found that version 9 of churn is approved"),
        (
            ["abort", "churn"],
            "waiting",
            another_version,
            "expected that afterwards version 7 of churn is aborted, found that version 9 of churn is aborted",
        ),
        (
            ["promote", "churn"],
            "second_step",
            lambda it: it["status"]["trial"].update(step=0),
            "expected that afterwards version 7 of churn skips step 2, found that version 7 of churn skips step 1",
        ),
        (
            ["promote", "churn", "--full"],
            "second_step",
            lambda it: it["status"]["trial"].update(startedAt="2026-01-05T09:30:00Z"),
            "it is about the trial that began at 2026-01-05T09:30:00Z",
        ),
        (["retry", "churn"], "rejected", another_version, "found that version 9 of churn is retried"),
        (
            ["set", "version", "churn", "9"],
            "settled",
            lambda it: it["spec"].setdefault("rollout", {}).update(abort={"version": "9"}),
            "it is about an end of spec.rollout.abort, expected nothing more",
        ),
        (["pause", "churn"], "second_step", lambda it: it["metadata"].update(uid="2"), "deleted and made again"),
    ],
)
def test_what_another_client_wrote_meanwhile_changes_nothing_of_what_is_done(
    cluster: ApiServer, words: list[str], state: str, change: Callable[[Json], Any], said: str
) -> None:
    """The verb thought again after the conflict, and approved the version that had come in between."""
    value = state_of("settled" if state == "waiting" else state)
    if state == "waiting":
        value["status"]["champion"]["version"] = "6"
    value["status"].pop("gates", None)
    put(cluster, value)
    merged, raced = cluster.merged, list[str]()

    def another_first(path: str, patch: Json) -> tuple[int, Json]:
        if not raced:
            raced.append(path)
            cluster.update(path, change)
        return merged(path, patch)

    cluster.merged = another_first  # type: ignore[method-assign]
    result = podium(*words)
    assert result.exit_code == 1, result.output
    assert said in result.output
    assert patched(cluster) == []


def test_an_approval_is_not_of_the_version_that_gates_waited_for_before(cluster: ApiServer) -> None:
    value = saved("blocked")
    value["status"]["gates"] = [
        {"name": "legal", "state": "Pending", "version": "7", "at": "2026-01-05T09:00:00Z"},
    ]
    another_version(value)
    put(cluster, value, gates=GATED)
    result = podium("approve", "churn", "--by", "alice")
    assert result.exit_code == 1
    assert "spec.model.version is 9, and the gates wait for version 7 still; do: say --version 9" in result.output
    ahead = podium("approve", "churn", "--by", "alice", "--version", "99")
    assert "no gate waits for version 99: the approval counts once spec.model names it" in ahead.stdout


def test_a_word_of_another_model_stays_where_a_version_of_the_same_number_is_named(cluster: ApiServer) -> None:
    value = state_of("second_step")
    value["spec"]["rollout"]["abort"] = {"version": "9", "model": "fraud"}
    put(cluster, value)
    assert podium("set", "version", "churn", "9").exit_code == 0
    assert patched(cluster) == [{"model": {"version": "9"}}]


def test_an_object_that_contradicts_itself_is_no_verdict_and_hides_no_other(cluster: ApiServer) -> None:
    """`podium list` ended with a traceback, and `podium status --wait` with 1: as if the version were rejected."""
    evil = state_of("second_step")
    evil["metadata"]["name"] = "evil"
    evil["status"]["trial"]["step"] = 99
    cluster.put(CHURN.replace("churn", "evil"), evil)
    cluster.put(CHURN, state_of("settled"))
    listed = podium("list")
    assert listed.exit_code == 0
    assert "churn" in listed.stdout
    assert "ml/evil cannot be read: spec or status contradicts itself" in listed.stdout
    for words in (["status", "evil"], ["status", "evil", "--wait", "--timeout", "5s"]):
        assert podium(*words).exit_code == 3
    for words in (["get", "evil"], ["explain", "evil"], ["history", "evil"], ["abort", "evil"], ["promote", "evil"]):
        assert not isinstance(podium(*words).exception, IndexError), words


@pytest.mark.parametrize(
    ("words", "removed"),
    [(["set", "version", "churn", "8"], True), (["set", "alias", "churn", "next"], True), (["pause", "churn"], False)],
)
def test_a_promotion_that_has_done_its_work_is_removed_by_the_next_verb_that_names_a_version(
    cluster: ApiServer, words: list[str], removed: bool
) -> None:
    value = saved("settled")
    champion = value["status"]["champion"]["version"]
    value["spec"].setdefault("rollout", {})["promote"] = {"version": champion, "full": True}
    cluster.put(CHURN, value)
    assert podium(*words).exit_code == 0
    assert (cluster.patches[0][1]["spec"].get("rollout") == {"promote": None}) is removed


@pytest.mark.parametrize("said", [{"version": "6"}, {"version": "7", "model": "fraud"}])
def test_a_promotion_of_another_version_or_model_is_left_alone(cluster: ApiServer, said: dict[str, Any]) -> None:
    value = saved("settled")
    value["status"]["champion"]["version"] = value["spec"]["model"]["version"] = "7"
    value["status"]["champion"]["model"] = "churn"
    value["spec"].setdefault("rollout", {})["promote"] = {**said, "full": True}
    cluster.put(CHURN, value)
    assert podium("set", "version", "churn", "8").exit_code == 0
    assert "rollout" not in cluster.patches[0][1]["spec"]


def test_a_promotion_of_a_champion_in_its_soak_is_left_alone(cluster: ApiServer) -> None:
    value = saved("watched")
    value["spec"]["rollout"]["promote"] = {"version": value["status"]["champion"]["version"], "full": True}
    cluster.put(CHURN, value)
    assert podium("set", "version", "churn", "9").exit_code == 0
    assert "rollout" not in cluster.patches[0][1]["spec"]
