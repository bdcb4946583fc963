"""What pip in an image build is told: what pip on this machine is told. None of it stays in the image."""

import configparser
import os
from collections.abc import Mapping
from pathlib import Path

from testbed import places

CERTIFICATES = Path("/etc/ssl/certs")
CONFIG_IN_IMAGE = "/etc/pip.conf"
CACHE_IN_IMAGE = "/var/cache/pip"  # not below /root: a Containerfile may well remove /root/.cache
OF_THIS_MACHINE = ("cache-dir", "no-cache-dir", "prefix", "require-virtualenv", "target", "user")


def mounts() -> list[str]:
    """`host:container:options` of the trusted certificates, of pip's settings and of a cache for its downloads."""
    found = settings(os.environ, config_files(os.environ))
    config = places.folder("pip") / "pip.conf"
    places.write(config, render(found))
    shared = [f"{config}:{CONFIG_IN_IMAGE}:ro", f"{places.folder('pip', 'cache')}:{CACHE_IN_IMAGE}:rw"]
    shared += [f"{path}:{path}:ro" for path in local_folders(found)]
    return shared + ([f"{CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.is_dir() else [])


def config_files(env: Mapping[str, str]) -> list[Path]:
    """Files with pip's settings on this machine, the ones that overrule others last."""
    config_home = Path(env.get("XDG_CONFIG_HOME") or "~/.config").expanduser()
    files = [Path("/etc/pip.conf"), Path("~/.pip/pip.conf").expanduser(), config_home / "pip/pip.conf"]
    return files + ([Path(env["PIP_CONFIG_FILE"])] if "PIP_CONFIG_FILE" in env else [])


def settings(env: Mapping[str, str], files: list[Path]) -> dict[str, str]:
    """Settings by their long option's name. The environment overrules the files, as in pip itself."""
    parser = configparser.RawConfigParser()
    parser.read(files)
    sections = [parser[name] for name in ("global", "install") if name in parser]
    found = {name: value for section in sections for name, value in section.items()}
    for name, value in env.items():
        if name.startswith("PIP_") and name != "PIP_CONFIG_FILE":
            found[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    kept = {name: value for name, value in found.items() if name not in OF_THIS_MACHINE}
    return {**kept, "cache-dir": CACHE_IN_IMAGE}


def render(found: Mapping[str, str]) -> str:
    """The text of a pip.conf with these settings."""
    lines = [f"{name} = {value}" for name, value in sorted(found.items())]
    return "\n".join(["[global]", *lines, ""]).replace("\n\n", "\n")


def local_folders(found: Mapping[str, str]) -> list[Path]:
    """Folders of this machine that the settings name, to be seen in the build as well."""
    named = [Path(word) for word in found.get("find-links", "").split() if word.startswith("/")]
    return [path for path in named if path.is_dir()]
