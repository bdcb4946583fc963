"""Turns of ModelDeployments whose pod template came with another operator."""

import pytest

from podium.controller.template_turns import TemplateTurns
from podium.core.facts import Key

A, B, C = Key("ml", "a"), Key("ml", "b"), Key("ml", "c")


@pytest.mark.parametrize(("budget", "granted"), [(0, []), (1, [A]), (2, [A, B]), (3, [A, B, C])])
def test_as_many_have_their_turn_as_the_budget_says(budget: int, granted: list[Key]) -> None:
    turns = TemplateTurns(budget, wake=lambda _: None)
    assert [key for key in (A, B, C) if turns.take(key, wanted=True)] == granted
    assert [key for key in (A, B, C) if turns.take(key, wanted=True)] == granted


def test_trials_that_an_earlier_leader_began_count() -> None:
    turns = TemplateTurns(1, wake=lambda _: None)
    turns.note(B, occupies=True)
    assert not turns.take(A, wanted=True)
    assert turns.others(A) == {B}
    assert turns.take(B, wanted=True)


def test_one_that_has_had_its_turn_wakes_the_one_that_waits_longest() -> None:
    woken: list[Key] = []
    turns = TemplateTurns(1, wake=woken.append)
    assert turns.take(A, wanted=True)
    assert not turns.take(C, wanted=True)
    assert not turns.take(B, wanted=True)
    assert not turns.take(A, wanted=False)
    assert woken == [C]
    assert turns.take(C, wanted=True)
    turns.forget(C)  # it was deleted
    assert woken == [C, B]


def test_one_that_waits_and_is_deleted_is_not_woken() -> None:
    woken: list[Key] = []
    turns = TemplateTurns(1, wake=woken.append)
    turns.take(A, wanted=True)
    turns.take(B, wanted=True)
    turns.forget(B)
    turns.forget(A)
    assert woken == []


def test_a_trial_that_others_need_not_wait_for_hands_its_turn_on() -> None:
    woken: list[Key] = []
    turns = TemplateTurns(1, wake=woken.append)
    assert turns.take(A, wanted=True)
    turns.note(A, occupies=True)
    assert not turns.take(B, wanted=True)
    turns.note(A, occupies=False)
    assert woken == [B]
    assert turns.take(B, wanted=True)
    turns.note(A, occupies=False)
    assert woken == [B]


def test_a_trial_that_an_earlier_leader_began_wakes_the_next_one_too() -> None:
    woken: list[Key] = []
    turns = TemplateTurns(1, wake=woken.append)
    turns.note(A, occupies=True)
    assert not turns.take(B, wanted=True)
    assert not turns.take(A, wanted=False)
    assert woken == [B]


def test_one_that_is_woken_and_wants_its_turn_no_more_wakes_the_next_one() -> None:
    woken: list[Key] = []
    turns = TemplateTurns(1, wake=woken.append)
    for key in (A, B, C):
        turns.take(key, wanted=True)
    turns.take(A, wanted=False)
    turns.take(B, wanted=False)
    assert woken == [B, C]
