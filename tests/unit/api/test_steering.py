"""What a person says of a version: the rules of spec.rollout.abort and spec.rollout.promote."""

from typing import Any

import pytest
from pydantic import ValidationError

from podium.api.v1alpha1.spec.steering import Abort, Promote


@pytest.mark.parametrize(
    "given", [{"skipSteps": 0}, {"skipSteps": 20}, {"full": True}, {"skipSteps": 1, "full": False}]
)
def test_steps_are_skipped_by_number_or_all(given: dict[str, Any]) -> None:
    assert Promote.model_validate({"version": "7", **given}).version == "7"


@pytest.mark.parametrize("given", [{}, {"full": False}, {"skipSteps": 1, "full": True}, {"skipSteps": -1}])
def test_neither_or_both_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Promote.model_validate({"version": "7", **given})


@pytest.mark.parametrize("kind", [Abort, Promote])
@pytest.mark.parametrize("field", ["by", "reason"])
@pytest.mark.parametrize("text", ["", "two\nlines", "\x1b[2J", "x" * 257])
def test_what_events_and_terminals_show_is_one_line(kind: type[Abort | Promote], field: str, text: str) -> None:
    said = {"version": "7", **({"full": True} if kind is Promote else {})}
    assert kind.model_validate({**said, field: "Alice Smith, on call"})
    with pytest.raises(ValidationError, match=field):
        kind.model_validate({**said, field: text})
