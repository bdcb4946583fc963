"""Values of exactly one kind: gates, guards. Each field but the name is a kind, and holds that kind's settings."""

from collections.abc import Sequence
from typing import Any, ClassVar

from podium.api.v1alpha1.values.base import Value
from podium.api.v1alpha1.values.rules import Rule


class OneOf(Value):
    """A value with a name, and exactly one of its other fields: the rule follows from the fields of the subclass."""

    KINDS: ClassVar[Sequence[str]] = ()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        cls.KINDS = tuple(field for field in cls.model_fields if field != "name")
        written = [cls.model_fields[kind].alias or kind for kind in cls.KINDS]
        rule = Rule(
            f"[{', '.join(f'has(self.{kind})' for kind in written)}].filter(given, given).size() == 1",
            f"exactly one of {', '.join(written[:-1])} and {written[-1]} is needed",
            lambda value: sum(getattr(value, kind) is not None for kind in cls.KINDS) == 1,
        )
        cls.RULES = (rule, *cls.RULES)

    @property
    def kind(self) -> str:
        """The field that is given."""
        return next(kind for kind in self.KINDS if getattr(self, kind) is not None)

    @property
    def settings(self) -> Any:
        """The value of that field."""
        return getattr(self, self.kind)
