"""The life of a registered version: where it is, and which moves are legal."""

from itertools import pairwise

import pytest

from podium.core.version_lifecycle import MOVES, TAG, Stage, refusal, stage_of


def test_a_version_can_go_the_whole_way_from_created_to_archived() -> None:
    way = [Stage.CREATED, Stage.TRAINED, Stage.VALIDATED, Stage.STAGING, Stage.CHAMPION]
    assert [refusal("7", there, to) for there, to in pairwise(way)] == [""] * 4
    assert refusal("7", Stage.DEPRECATED, Stage.ARCHIVED) == ""


def test_staging_may_be_left_out_and_a_former_champion_may_come_back() -> None:
    assert refusal("7", Stage.VALIDATED, Stage.CHAMPION) == refusal("7", Stage.DEPRECATED, Stage.CHAMPION) == ""


def test_every_stage_has_its_moves() -> None:
    assert set(MOVES) == set(Stage)


def test_an_illegal_move_is_refused_with_the_legal_ones() -> None:
    assert refusal("7", Stage.TRAINED, Stage.CHAMPION) == (
        "version 7 is trained, and may not become champion; its legal moves: validated, archived."
    )


def test_the_archive_and_the_champions_place_are_left_by_no_word() -> None:
    assert "its legal moves: none. Register it again" in refusal("7", Stage.ARCHIVED, Stage.TRAINED)
    assert "its legal moves: none. Promote another version" in refusal("7", Stage.CHAMPION, Stage.ARCHIVED)


def test_a_move_to_where_it_is_says_so() -> None:
    assert refusal("7", Stage.STAGING, Stage.STAGING) == "version 7 is staging already"


@pytest.mark.parametrize(
    ("tags", "champion", "run", "stage"),
    [
        ({}, False, False, Stage.CREATED),
        ({}, False, True, Stage.TRAINED),
        ({TAG: " Validated "}, False, True, Stage.VALIDATED),
        ({TAG: "live"}, False, True, Stage.TRAINED),  # a word that is no stage says nothing
        ({TAG: "staging"}, True, True, Stage.CHAMPION),  # the alias is what is served, whatever a tag says
        ({TAG: "champion"}, False, True, Stage.DEPRECATED),  # it was: another one has the alias
        ({"podium.dev/decision": "promoted"}, False, True, Stage.DEPRECATED),
        ({"podium.dev/decision": "rejected"}, False, True, Stage.TRAINED),
        ({"podium.dev/decision": "promoted", TAG: "archived"}, False, True, Stage.ARCHIVED),
    ],
)
def test_the_stage_is_read_from_alias_decision_tag_and_run(
    tags: dict[str, str], champion: bool, run: bool, stage: Stage
) -> None:
    assert stage_of(tags, champion=champion, run=run) is stage
