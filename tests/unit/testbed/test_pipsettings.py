"""pip in a build is told what pip on this machine is told."""

from pathlib import Path

from testbed import pipsettings


def test_the_environment_overrules_the_files(tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text("[global]\ntimeout = 10\nretries = 3\n[list]\nformat = json\n")
    found = pipsettings.settings({"PIP_TIMEOUT": "99", "PATH": "/bin"}, [config, tmp_path / "missing"])
    assert found == {"timeout": "99", "retries": "3", "cache-dir": pipsettings.CACHE_IN_IMAGE}


def test_folders_of_this_machine_are_not_passed_on() -> None:
    found = pipsettings.settings({"PIP_CACHE_DIR": "/here", "PIP_TARGET": "/there", "PIP_NO_CACHE_DIR": "1"}, [])
    assert found == {"cache-dir": pipsettings.CACHE_IN_IMAGE}


def test_a_folder_with_wheels_is_seen_in_the_build_too(tmp_path: Path) -> None:
    found = {"find-links": f"{tmp_path} /no/such/folder wheels"}
    assert pipsettings.local_folders(found) == [tmp_path]


def test_settings_are_written_as_pip_reads_them() -> None:
    assert pipsettings.render({"timeout": "99", "retries": "3"}) == "[global]\nretries = 3\ntimeout = 99\n"
