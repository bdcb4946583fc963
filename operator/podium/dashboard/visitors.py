"""Who looks at the page in a cluster, as the API server is to see them. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import quote

_RESERVED: Final = "system:"  # names that Kubernetes keeps for itself
_SERVICE_ACCOUNT: Final = re.compile(r"system:serviceaccount:([^:]+):")
_OF_CREDENTIAL: Final = "authentication.kubernetes.io/"
ANONYMOUS: Final = "system:anonymous"
UNAUTHENTICATED: Final = "system:unauthenticated"


@dataclass(frozen=True)
class Visitor:
    """A person or a program. https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()
    known: bool = True  # False of one who has not said who they are

    @classmethod
    def of_review(cls, found: Mapping[str, Any]) -> Self:
        """The `user` of a TokenReview's status.

        What Kubernetes notes of the credential itself is left out: of which pod it is, on which node. Any other `extra`
        may narrow what a token is for, and is never left out.
        """
        given = (found.get("extra") or {}).items()
        extra = {str(key): tuple(map(str, values)) for key, values in given if not str(key).startswith(_OF_CREDENTIAL)}
        groups = tuple(sorted(map(str, found.get("groups") or [])))
        return cls(str(found["username"]), groups, str(found.get("uid") or ""), tuple(sorted(extra.items())))

    @classmethod
    def nameless(cls) -> Self:
        """Who has not said who they are: what RBAC gives to everyone, they may see."""
        return cls(ANONYMOUS, (UNAUTHENTICATED,), known=False)

    @property
    def tenant(self) -> str:
        """Who can make visitors like this one: of service accounts the namespace, of others the user."""
        found = _SERVICE_ACCOUNT.match(self.user)
        return f"namespace {found[1]}" if found is not None else f"user {self.user}"

    def headers(self) -> Sequence[tuple[str, str]]:
        """What makes the API server take a request for theirs."""
        found = [("Impersonate-User", self.user), *(("Impersonate-Group", group) for group in self.groups)]
        found += [("Impersonate-Uid", self.uid)] if self.uid else []
        named = ((f"Impersonate-Extra-{quote(key.lower(), safe='')}", values) for key, values in self.extra)
        return found + [(name, value) for name, values in named for value in values]


def reserved(user: str, groups: Sequence[str]) -> str:
    """The first name that only Kubernetes itself may give, such as system:masters; "" where there is none."""
    return next((name for name in (user, *groups) if name.startswith(_RESERVED)), "")
