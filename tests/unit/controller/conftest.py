"""No world outlives its test, as in the stories."""

from tests.stories.conftest import worlds_end

__all__ = ["worlds_end"]
