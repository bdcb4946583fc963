"""Seats for what may be slow: what one tenant takes stands before no other."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from podium.adapters.seats import OPERATOR, Limits, Seat, Seats

LIMITS = Limits(whole=64, tenant=8, place=4, own=2)


def taken(seats: list[Seat]) -> int:
    return sum(seat.given.done() for seat in seats)


async def test_a_tenant_takes_so_many_at_a_place_and_so_many_in_all() -> None:
    seats = Seats(LIMITS)
    assert taken([seats.ask("a", "here") for _ in range(9)]) == 2
    assert taken([seats.ask("a", f"there {number}") for number in range(99)]) == 6


async def test_beside_a_dozen_greedy_tenants_the_next_one_gets_a_seat() -> None:
    seats = Seats(LIMITS)
    for tenant in range(12):
        for place in range(20):
            seats.ask(f"greedy {tenant}", f"{tenant} {place}")
    assert seats.ask("modest", "here").given.done()


async def test_who_waits_gets_a_seat_in_turn_and_not_behind_all_of_another_tenant() -> None:
    seats = Seats(LIMITS)
    held = [seats.ask(f"{number}", "here") for number in range(4)]
    many = [seats.ask("many", "here") for _ in range(100)]
    one = seats.ask("one", "here")
    for seat in held[:2]:
        seats.give_back(seat)
    assert one.given.done()
    assert taken(many) == 1


async def test_the_operator_itself_has_seats_where_tenants_have_all_of_theirs() -> None:
    seats = Seats(Limits(whole=2, tenant=2, place=2, own=1))
    assert taken([seats.ask(each, each) for each in "abc"]) == 2
    assert seats.ask(OPERATOR, "the own registry").given.done()


async def test_who_waits_no_more_takes_no_seat() -> None:
    seats = Seats(Limits(whole=8, tenant=1, place=1, own=1))
    first, second, third = (seats.ask("a", "here") for _ in range(3))
    seats.give_back(second)
    seats.give_back(first)
    assert third.given.done()
    seats.give_back(third)
    assert seats.ask("a", "here").given.done()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=80))
def test_after_all_have_given_back_nothing_is_taken_and_no_limit_was_passed(
    steps: list[tuple[str, str, bool]],
) -> None:
    async def play() -> None:
        limits = Limits(whole=12, tenant=3, place=3, own=2)
        seats, asked = Seats(limits), list[Seat]()
        for tenant, place, asks in steps:
            if asks or not asked:
                asked.append(seats.ask(tenant, place))
            else:
                seats.give_back(asked.pop(len(asked) // 2))
            have = [seat for seat in asked if seat.given.done()]
            assert len(have) <= limits.whole
            for name in "abc":
                assert sum(seat.tenant == name for seat in have) <= limits.tenant
                for where in "xy":
                    assert sum((seat.tenant, seat.place) == (name, where) for seat in have) <= limits.own
            for where in "xy":
                assert sum(seat.place == where for seat in have) <= limits.place
        for seat in asked:
            seats.give_back(seat)
        assert (seats._whole, seats._tenants, seats._places, seats._own) == (0, {}, {}, {})
        assert not seats._waiting

    asyncio.run(play())
