"""Packages of flavours that the project does not need: pinned, installed once, and found behind the project's own."""

import hashlib
import subprocess
import sys
from pathlib import Path

PINS = Path(__file__).with_name("requirements.txt")
KEPT = Path(__file__).parents[2] / "build" / "bench"


def make_importable() -> bool:
    """Install what is pinned, unless it is here already. Returns whether it can be imported."""
    folder = KEPT / f"parity-{hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]}"
    if not (folder / ".installed").exists() and not _install(folder):
        return False
    sys.path.append(str(folder))
    return True


def _install(folder: Path) -> bool:
    print("installing the packages of other flavours, once …", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*pip, "--target", str(folder), "-r", str(PINS)], check=False)
    if done.returncode:
        print("they cannot be installed: the models of these flavours are left out", flush=True)
        return False
    (folder / ".installed").touch()
    return True
