"""What the clients saw: every answer, and what follows from all of them. Pure; times are seconds of one clock."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

OK = 200


@dataclass(frozen=True)
class Answer:
    """What became of one request."""

    sent: float  # when it was due to be sent: a machine that is late makes its clients wait
    at: float  # when the answer was there, or when the client gave up
    version: str  # from the header x-podium-version; "" where no pod answered
    status: int  # of HTTP; 0 where no pod answered
    trouble: str = ""  # why no pod answered
    failed_by: str = ""  # the version that had failed it before this one answered in its place

    @property
    def failed(self) -> bool:
        """Whether it is not a 200."""
        return self.status != OK


@dataclass(frozen=True)
class Rollback:
    """How a bad version left the traffic, as the clients saw it."""

    seconds: float  # from the first request that it failed until its last answer of any kind
    own_failures: int  # failed answers of the bad version itself, which clients got
    saved: int  # requests that it failed, and that the champion answered instead
    bystanders: int  # requests that failed from the first one that it failed on, and that it did not answer itself


@dataclass
class Ledger:
    """All answers in the order in which they came."""

    answers: list[Answer] = field(default_factory=list)

    def add(self, answer: Answer) -> None:
        """Keep an answer."""
        self.answers.append(answer)

    @property
    def requests(self) -> int:
        """How many answers there are."""
        return len(self.answers)

    @property
    def failures(self) -> Sequence[Answer]:
        """The answers that failed."""
        return [answer for answer in self.answers if answer.failed]

    def by_version(self, since: int = 0) -> Counter[str]:
        """How many answers each version gave, from the answer with that index on. "" counts those without a version."""
        return Counter(answer.version for answer in self.answers[since:])

    def strays(self, bad: str) -> Sequence[Answer]:
        """Failed requests that the bad version did not answer: no client was told that they may fail."""
        return [answer for answer in self.failures if answer.version != bad]

    def saved(self, bad: str) -> Sequence[Answer]:
        """Answers of other versions to requests that the bad one had failed."""
        return [answer for answer in self.answers if answer.failed_by == bad]

    def rollback(self, bad: str) -> Rollback | None:
        """How the bad version left the traffic; None where it failed no request."""
        own = [answer for answer in self.failures if answer.version == bad]
        saved = self.saved(bad)
        if not own and not saved:
            return None
        first = min(answer.at for answer in (*own, *saved))
        last = max(answer.at for answer in self.answers if bad in {answer.version, answer.failed_by})
        bystanders = sum(answer.at >= first for answer in self.strays(bad))
        return Rollback(last - first, len(own), len(saved), bystanders)
