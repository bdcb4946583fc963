"""`podium dashboard` as a process, against an API server."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from click.testing import CliRunner

from podium.cli.main import main
from podium.dashboard.server import listening
from tests.unit.cli.api_server import ALL, NAMED, ApiServer
from tests.unit.cli.conftest import CHURN, saved


@contextmanager
def opened(*words: str) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    """A browser that was given the printed address."""
    command = [sys.executable, "-m", "podium.cli.main", "dashboard", "--port", "0", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("Podium is at http://127.0.0.1:"), process.communicate(timeout=30)
            with httpx.Client(follow_redirects=True, timeout=30) as client:
                page = client.get(line.removeprefix("Podium is at ").strip())
                client.base_url = page.url.join("./")
                yield client, process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def shown(client: httpx.Client, address: str) -> str:
    """The page once the fleet has been read."""
    with client.stream("GET", "/live") as stream:
        assert next(line for line in stream.iter_lines() if "/ml/churn" in line)
    return client.get(address).text


def test_the_page_shows_the_namespace_and_follows_it_until_it_is_ended(cluster: ApiServer) -> None:
    cluster.put(CHURN.replace("/ml/", "/other/"), saved("settled", namespace="other"))
    with opened() as (client, process), client.stream("GET", "/live") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if "/ml/churn" in line and "Canary" in line)
        cluster.put(f"{NAMED}/fraud", saved("rejected", name="fraud"))
        told = next(line for line in lines if "/ml/fraud" in line)
        assert "/other/" not in told
        assert "step 2 of 2" in client.get("/deployments/ml/churn").text
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == "Ctrl-C ends it.\n"
    assert cluster.patches == []


def test_a_button_is_a_verb_with_the_rights_of_the_kubeconfig(cluster: ApiServer) -> None:
    cluster.put(f"{NAMED}/fraud", saved("rejected", name="fraud"))
    with opened("--as", "alice") as (client, _):
        text = shown(client, "/deployments/ml/churn")
        form = {name: re.findall(rf'name="{name}" value="([^"]*)"', text)[0] for name in ("csrf", "does", "uid")}
        own = {"Origin": f"http://{client.base_url.host}:{client.base_url.port}"}
        answer = client.post("/deployments/ml/churn/pause", headers=own, data=form)
        assert answer.status_code == 200
        assert "churn is paused" in answer.text
        assert client.post("/deployments/ml/churn/pause", headers=own, data={**form, "csrf": "x"}).status_code == 403
    assert [(path, patch["spec"]) for path, patch in cluster.patches] == [(CHURN, {"paused": True})]
    assert set(cluster.users) == {"alice"}
    assert cluster.reviews[0]["spec"]["resourceAttributes"]["verb"] == "patch"


def test_read_only_has_no_buttons_and_no_routes_behind_them(cluster: ApiServer) -> None:
    with opened("--read-only") as (client, _):
        assert 'method="post"' not in shown(client, "/deployments/ml/churn")
        own = {"Origin": f"http://{client.base_url.host}:{client.base_url.port}"}
        assert client.post("/deployments/ml/churn/pause", headers=own).status_code == 404
    assert (cluster.patches, cluster.reviews) == ([], [])


def test_all_namespaces_are_one_page(cluster: ApiServer) -> None:
    cluster.put(CHURN.replace("/ml/", "/other/"), saved("settled", namespace="other"))
    with opened("-A", "--as", "alice") as (client, _), client.stream("GET", "/live") as stream:
        assert next(line for line in stream.iter_lines() if "/other/churn" in line and "/ml/churn" in line)
    assert set(cluster.users) == {"alice"}
    assert cluster.reads[ALL] > 0


def test_the_token_is_in_no_argument_and_in_no_log(cluster: ApiServer) -> None:
    with opened() as (client, process):
        client.cookies.clear()
        answer = client.get("/?token=wrong")
        assert answer.status_code == 403
        with open(f"/proc/{process.pid}/cmdline", encoding="utf-8") as line:  # noqa: PTH123
            assert "token" not in line.read()


def test_who_may_not_list_is_told_before_the_page_opens(cluster: ApiServer) -> None:
    cluster.refused[NAMED] = (403, "alice may not list modeldeployments")
    result = CliRunner().invoke(main, ["dashboard", "--port", "0"])
    assert result.exit_code == 1
    assert "alice may not list modeldeployments" in result.output
    cluster.refused[NAMED] = (404, "page not found")
    assert "is the CRD installed?" in CliRunner().invoke(main, ["dashboard", "--port", "0"]).output


def test_a_port_that_is_taken_is_told_with_what_to_do(cluster: ApiServer) -> None:
    with listening(0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(main, ["dashboard", "--port", str(port)])
    assert result.exit_code == 1
    assert f"could not listen on 127.0.0.1:{port}: {os.strerror(98)}; do: choose another --port" in result.output


@pytest.mark.parametrize("words", [["-A", "-n", "ml"], ["--port", "70000"], ["--host", "0.0.0.0"]])
def test_wrong_arguments_are_refused(cluster: ApiServer, words: list[str]) -> None:
    assert CliRunner().invoke(main, ["dashboard", *words]).exit_code == 2
