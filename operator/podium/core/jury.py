"""The jury: one judge for each question of a trial. Each hears every block of answers, and remembers a few numbers.

All questions of all guards share the trial's α: a false rollback needs only one of them to be wrong. They do not share
β: a promotion needs every one to hold, so the chance of a false one is that of the most lenient.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from podium.api.guards import Guard
from podium.api.status import Evidence, Recollection, Tally, Trial
from podium.core.evidence import AgainstChampion, AgainstLimit, Block, ChampionMemory, LimitMemory
from podium.core.questions import Question, questions

Judge = AgainstLimit | AgainstChampion
DIGITS = 10  # of a remembered number


@dataclass(frozen=True)
class Seat:
    """A question, and its part of the trial's α."""

    question: Question
    alpha: float


def seats(guards: Sequence[Guard], evidence: Evidence, alpha: float) -> Iterator[Seat]:
    """Every question of these guards. The guards share α equally, and so do a guard's questions."""
    for guard in guards:
        asked = questions(guard, evidence)
        yield from (Seat(question, alpha / len(guards) / len(asked)) for question in asked)


def judge_of(seat: Seat, trial: Trial) -> Judge:
    """The judge of a question, with all that it has heard so far."""
    known = recollection(trial.evidence, seat.question)
    return _judge(seat, trial.beta, known.memory)


def recollection(evidence: Evidence, question: Question) -> Recollection:
    """What is remembered of a question; nothing at the first time."""
    nothing = Recollection(question=question.name, memory="")
    return next((each for each in evidence.judges if each.question == question.name), nothing)


def heard(trial: Trial, evidence: Evidence, blocks: Mapping[str, Block]) -> Evidence:
    """The evidence after every judge has heard what came since the last look."""
    judges = [
        _heard(seat, trial.beta, recollection(evidence, seat.question), blocks[seat.question.measure.name])
        for seat in seats(trial.guards, evidence, trial.alpha)
    ]
    return evidence.model_copy(update={"judges": judges})


def _heard(seat: Seat, beta: float, known: Recollection, block: Block) -> Recollection:
    judge = _judge(seat, beta, known.memory)
    if isinstance(judge, AgainstChampion):
        after = judge.see(*(_mirrored(block) if seat.question.mirrored else _as_it_is(block)))
        return known.model_copy(update={"memory": _written(after.memory)})
    limited = judge.see(block.challenger_bad, block.challenger_good)
    since = _since_suspicion(known, block) if limited.suspects else {"challenger": Tally(), "champion": Tally()}
    return known.model_copy(update={"memory": _written(limited.memory), **since})


def _since_suspicion(known: Recollection, block: Block) -> Mapping[str, Tally]:
    challenger = Tally(answers=block.challenger_bad + block.challenger_good, bad=block.challenger_bad)
    champion = Tally(answers=block.champion_bad + block.champion_good, bad=block.champion_bad)
    return {"challenger": known.challenger + challenger, "champion": known.champion + champion}


def _as_it_is(block: Block) -> tuple[int, int, int, int]:
    return block.challenger_bad, block.challenger_good, block.champion_bad, block.champion_good


def _mirrored(block: Block) -> tuple[int, int, int, int]:
    return block.challenger_good, block.challenger_bad, block.champion_good, block.champion_bad


def _judge(seat: Seat, beta: float, memory: str) -> Judge:
    limit = seat.question.limit
    if seat.question.beside_champion:
        return AgainstChampion(limit, seat.alpha, beta, _champion_memory(memory))
    return AgainstLimit(limit, seat.alpha, beta, _limit_memory(memory))


# --- memories as text -------------------------------------------------------------------------------------------------


def _written(memory: LimitMemory | ChampionMemory) -> str:
    return json.dumps({name: _short(value) for name, value in vars(memory).items()}, separators=(",", ":"))


def _short(value: object) -> object:
    if isinstance(value, Block):
        return vars(value)
    if isinstance(value, tuple):
        return [_short(inner) for inner in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _limit_memory(text: str) -> LimitMemory:
    if not text:
        return LimitMemory()
    known = json.loads(text)
    return LimitMemory(**{**known, "late": _wealth(known["late"])})


def _champion_memory(text: str) -> ChampionMemory:
    if not text:
        return ChampionMemory()
    known = json.loads(text)
    wealth = {name: _wealth(known[name]) for name in ("worse", "no_worse")}
    return ChampionMemory(**{**known, **wealth, "pending": Block(**known["pending"])})


def _wealth(numbers: Sequence[float]) -> tuple[float, ...]:
    assert all(map(isfinite, numbers)), "the judge's memory in the status is no list of numbers"
    return tuple(numbers)
