"""What is observed of the gateway's retries: whether it sends a request again whose connection broke."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RetryState:
    """The object by which a gateway that has retries is asked for them."""

    name: str  # of the object, with its kind, as messages name it
    there: bool = False  # it belongs to the ModelDeployment
    up_to_date: bool = False  # and is as Podium writes it
    accepted: bool = False  # and the gateway has said that it follows it
    obstacle: str = ""  # what of another owner is in the way, and what to do: Podium leaves it alone, and adds nothing
    refusal: str = ""  # why the API server or the gateway does not take it
