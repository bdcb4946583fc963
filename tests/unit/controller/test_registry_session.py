"""What a session has heard stands as long as the question is the same."""

from dataclasses import replace

from podium.controller.workers.registry_request import RegistryRequest
from podium.controller.workers.registry_session import Session
from podium.core.actions import WriteTags
from podium.core.facts import Key, ModelVersion, RegistryState
from podium.ports import RegistryLogin, RegistryQuery

QUERY = RegistryQuery(RegistryLogin("", {}), "churn", "7", None, None, "champion")
ANSWER = RegistryState(desired=ModelVersion("7", "sha256:1"), revision="1")
PIN = (("7", "sha256:1"),)


def asked(query: RegistryQuery) -> RegistryRequest:
    return RegistryRequest("ml", None, None, query)


def test_a_version_that_is_pinned_meanwhile_makes_no_other_question_of_it() -> None:
    """The answer and the pending writes were lost then, in the moment in which a trial begins or ends."""
    session, write = Session(Key("ml", "churn"), asked(QUERY)), WriteTags("7", {"podium.dev/state": "rejected"}, "why")
    session.answer = ANSWER
    session.enqueue((write,))
    session.news.clear()
    assert session.ask(asked(replace(QUERY, pinned=PIN)), rests=True, not_before=0.0) == ANSWER
    assert session.pending == (write,)
    assert not session.news.is_set()
    assert session.request.query.pin("7") == "sha256:1", "and the next look knows the pin"


def test_another_key_is_another_question() -> None:
    session = Session(Key("ml", "churn"), asked(QUERY))
    session.answer = ANSWER
    assert session.ask(asked(replace(QUERY, public_keys=("a key",))), rests=True, not_before=0.0) == RegistryState()
