"""What a champion's pod says of a shadow step is read with care: it is data."""

from dataclasses import replace

import pytest

from podium.adapters.metrics.exposition import statement
from podium.core.identity import Identity
from podium.core.shadow import ShadowPairs

INFO = 'podium_model_info{model="churn",version="7",run_id="r",digest="sha256:77"} 1.0\n'
WHO = 'version="8",digest="sha256:88"'
PAIRS = ShadowPairs(
    Identity("8", "sha256:88"),
    both_good=90,
    both_bad=1,
    only_challenger_bad=5,
    only_champion_bad=2,
    compared=80,
    disagreements=7,
    slower=40,
    faster=30,
    dropped=11,
)
OUTCOMES = ("both_good", "both_bad", "only_challenger_bad", "only_champion_bad")


def page(pairs: ShadowPairs = PAIRS, who: str = WHO) -> str:
    lines = [f'podium_shadow_pairs_total{{{who},outcome="{name}"}} {getattr(pairs, name)}.0\n' for name in OUTCOMES]
    others = ("compared", "disagreements", "slower", "faster", "dropped")
    lines += [f"podium_shadow_{name}_total{{{who}}} {getattr(pairs, name)}.0\n" for name in others]
    return INFO + "".join(lines)


def read(text: str) -> ShadowPairs | None:
    said = statement(text)
    assert said is not None
    assert said.identity == Identity("7", "sha256:77"), "the rest of the page stands"
    return said.shadow


def test_how_pairs_came_out_is_read() -> None:
    assert read(page()) == PAIRS


def test_a_pod_that_copies_nothing_says_nothing_of_pairs() -> None:
    assert read(INFO) is None


@pytest.mark.parametrize(
    "text",
    [
        page() + page(who='version="9",digest="sha256:99"').removeprefix(INFO),
        page(who='version="",digest="sha256:88"'),
        page().replace('outcome="both_bad"', 'outcome="both_well"'),
        page().replace('outcome="both_bad"', 'outcome="compared"'),
        page().replace('outcome="both_bad"', 'outcome="both_good"'),
        page().replace(" 40.0", " NaN"),
        page().replace(" 40.0", " -40"),
        page().replace(" 40.0", " 1e300"),
        page().replace(" 40.0", ""),
        page().replace(f"podium_shadow_dropped_total{{{WHO}}} 11.0\n", ""),
        page(replace(PAIRS, disagreements=81)),
        page(replace(PAIRS, compared=91)),
        page(replace(PAIRS, slower=61)),
        page(who=f'{WHO},long="{"x" * 5000}"'),
    ],
)
def test_what_contradicts_itself_is_left_out(text: str) -> None:
    assert read(text) is None
