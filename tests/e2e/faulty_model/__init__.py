"""A model with one fault a version, for the guards: which rows are hit is in the row itself."""

from typing import Literal

Fault = Literal["none", "slow", "nan", "shifted", "raises"]
COLUMN = "x"
