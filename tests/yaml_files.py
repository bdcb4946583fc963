"""The YAML files of the repository that tests read: examples, and mistakes with the fields that they name."""

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
POLICIES: Final = [ROOT / "manifests/policy.yaml", *sorted(ROOT.glob("examples/*/policies.yaml"))]
EXAMPLES: Final = sorted(set(ROOT.glob("examples/*/*.yaml")) - set(POLICIES))
INVALID: Final = sorted(ROOT.glob("tests/invalid/*.yaml"))


def refused(mistake: Path) -> set[str]:
    """The paths of the fields that are wrong, as the file's first lines say."""
    return set(re.findall(r"^# refused: (.+)$", mistake.read_text(), re.MULTILINE))


def title(file: Path) -> str:
    """What a test is called that is about this file."""
    return f"{file.parent.name}/{file.stem}"
