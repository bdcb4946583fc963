"""Values of which the parts of an HTTPRoute are made, with the limits of the Gateway API's own v1."""

from typing import Annotated

from pydantic import Field

DNS = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_HEADER = r"^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$"

Name = Annotated[str, Field(min_length=1, max_length=253)]
Namespace = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Group = Annotated[str, Field(max_length=253, pattern=f"^$|^{DNS}$")]
Kind = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")]
SectionName = Annotated[str, Field(min_length=1, max_length=253, pattern=f"^{DNS}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
Hostname = Annotated[str, Field(min_length=1, max_length=253, pattern=rf"^(\*\.)?{DNS}$")]
HeaderName = Annotated[str, Field(min_length=1, max_length=256, pattern=_HEADER)]
RouteDuration = Annotated[str, Field(pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}$", max_length=24)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
