"""The heaps of due keys, beside a plain scan of all of them that follows the same rules."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from podium.controller.due import DueKeys
from podium.controller.queue import Priority
from podium.core.facts import Key

KEYS = [Key("ml", name) for name in "abcdef"]
Rank = tuple[Priority, bool, float]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from(KEYS), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("priority"), st.sampled_from(KEYS), st.sampled_from(list(Priority))),
        st.tuples(st.just("pass"), st.integers(1, 3)),
        st.tuples(st.just("pop"), st.sets(st.sampled_from(list(Priority)))),
        st.tuples(st.just("release"), st.sampled_from(KEYS)),
    ),
    max_size=60,
)


@dataclass
class Scan:
    """All keys, looked through each time."""

    due: dict[Key, float] = field(default_factory=dict)
    news: set[Key] = field(default_factory=set)
    held: set[Key] = field(default_factory=set)

    def ranks(self, now: float, priorities: dict[Key, Priority], free: set[Priority]) -> dict[Key, Rank]:
        ready = [key for key, moment in self.due.items() if moment <= now and key not in self.held]
        able = [key for key in ready if priorities[key] in free]
        return {
            key: (priorities[key], priorities[key] is Priority.REST and key not in self.news, self.due[key])
            for key in able
        }


@given(STEPS)
def test_what_the_heaps_give_is_first_among_all_that_are_due(steps: list[tuple[object, ...]]) -> None:
    priorities = dict.fromkeys(KEYS, Priority.REST)
    heaps: DueKeys[Priority] = DueKeys(priorities.__getitem__, last=Priority.REST)
    scan, now = Scan(), 0.0
    for step in steps:
        match step:
            case "add", Key() as key, int() as after, bool() as news:
                earlier = scan.due.get(key, now + after + 1) > now + after
                assert heaps.add(key, now + after, news=news) == earlier
                scan.due[key] = min(scan.due.get(key, now + after), now + after)
                scan.news |= {key} if news else set()
            case "priority", Key() as key, Priority() as priority:
                priorities[key] = priority
                heaps.add(key, now, news=False)  # whoever changes it adds the key
                scan.due[key] = min(scan.due.get(key, now), now)
            case "pass", int() as seconds:
                now += seconds
            case "release", Key() as key:
                heaps.release(key)
                scan.held.discard(key)
            case "pop", set() as free:
                found, ranks = heaps.pop(now, free), scan.ranks(now, priorities, free)
                if found is None:
                    assert not ranks
                    continue
                assert found[1] == priorities[found[0]]
                assert ranks[found[0]] == min(ranks.values())
                del scan.due[found[0]]
                scan.news.discard(found[0])
                scan.held.add(found[0])
        assert heaps.waiting(now) == sum(moment <= now for moment in scan.due.values())
        later = [moment for key, moment in scan.due.items() if moment > now and key not in scan.held]
        assert heaps.next_moment() == (min(later) if later else None)


def test_ten_thousand_keys_are_each_looked_at_a_few_times_and_not_ten_thousand() -> None:
    asked: Counter[Key] = Counter()

    def priority(key: Key) -> Priority:
        asked[key] += 1
        return Priority.REST

    heaps: DueKeys[Priority] = DueKeys(priority, last=Priority.REST)
    keys = [Key("ml", f"churn-{number}") for number in range(10_000)]
    for number, key in enumerate(keys):
        heaps.add(key, float(number % 7), news=False)
    popped = [heaps.pop(10.0, list(Priority)) for _ in keys]
    assert {each[0] for each in popped if each is not None} == set(keys)
    assert max(asked.values()) == 1


def test_news_of_what_waits_for_an_hour_leaves_no_trail_of_entries() -> None:
    heaps: DueKeys[Priority] = DueKeys(lambda _: Priority.REST, last=Priority.REST)
    for round_ in range(10_000):
        heaps.add(KEYS[0], 3600.0 - round_ / 10_000, news=False)
    assert len(heaps._later) < 200
