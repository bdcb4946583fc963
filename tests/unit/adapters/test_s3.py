"""Artifacts straight from S3: what is asked, with which login, and what each refusal says. By botocore's own stubs."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import (
    BotoCoreError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.response import StreamingBody
from botocore.stub import Stubber

from podium.adapters.reach import AddressRefused
from podium.adapters.registries.mlflow.logins import AWS_KEY, AWS_REGION, AWS_SECRET, S3_ENDPOINT, secrets
from podium.adapters.registries.mlflow.s3 import S3Files
from podium.adapters.registries.mlflow.s3_faults import asking_s3
from podium.api.v1alpha1 import reasons
from podium.errors import NotFound, PodiumError, Rejected, Unavailable
from podium.ports import RegistryLogin

SECRET = "the-secret-of-the-store"
LOGIN = RegistryLogin("http://mlflow.ml:5000", {AWS_KEY: "access", AWS_SECRET: SECRET, AWS_REGION: "eu-west-1"})
PLACE = "s3://models/7/artifacts"


@pytest.fixture
def files() -> S3Files:
    return S3Files(LOGIN, PLACE)


@pytest.fixture
def store(files: S3Files) -> Iterator[Stubber]:
    with Stubber(files._get_s3_client()) as stub:
        yield stub


def test_a_folder_is_listed(files: S3Files, store: Stubber) -> None:
    page = {
        "CommonPrefixes": [{"Prefix": "7/artifacts/data/"}],
        "Contents": [{"Key": "7/artifacts/MLmodel", "Size": 3}, {"Key": "7/artifacts/", "Size": 0}],
    }
    store.add_response("list_objects_v2", page, {"Bucket": "models", "Prefix": "7/artifacts/", "Delimiter": "/"})
    found = [(file.path, file.is_dir, file.file_size) for file in files.list_artifacts(None)]
    assert found == [("MLmodel", False, 3), ("data", True, None)]


def test_a_file_is_one_request_and_is_written_from_its_first_byte_to_its_last(
    files: S3Files, store: Stubber, tmp_path: Path
) -> None:
    content = b"01" * 2**20
    body = StreamingBody(io.BytesIO(content), len(content))
    store.add_response("get_object", {"Body": body}, {"Bucket": "models", "Key": "7/artifacts/data/model.bin"})
    files._download_file("data/model.bin", str(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == content


def test_a_record_is_one_request(files: S3Files, store: Stubber, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text("{}")
    seen: dict[str, Any] = {}
    files._get_s3_client().meta.events.register(
        "provide-client-params.s3.PutObject", lambda params, **_: seen.update(params)
    )
    store.add_response("put_object", {})
    files.log_artifact(str(tmp_path / "record.json"), "podium")
    assert (seen["Bucket"], seen["Key"]) == ("models", "7/artifacts/podium/record.json")


@pytest.mark.parametrize(
    ("variables", "ambient", "signed"),
    [
        ({AWS_KEY: "access", AWS_SECRET: SECRET}, False, True),
        ({AWS_KEY: "access\n", AWS_SECRET: f"{SECRET}\n"}, False, True),
        ({AWS_KEY: "access"}, False, False),
        ({}, False, False),
        ({}, True, True),
    ],
)
def test_only_the_operators_own_login_is_signed_with_what_its_environment_grants(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], ambient: bool, signed: bool
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-operator-too")
    client = S3Files(replace(LOGIN, variables=variables, ambient=ambient), PLACE)._get_s3_client()
    assert (client.meta.config.signature_version != UNSIGNED) == signed
    if signed:
        given = client._request_signer._credentials
        assert given.access_key == ("of-the-operator" if ambient else "access")
        assert given.secret_key == ("of-the-operator-too" if ambient else SECRET)


@pytest.mark.parametrize("ambient", [False, True])
def test_the_address_is_the_logins_own(monkeypatch: pytest.MonkeyPatch, ambient: bool) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://of-the-operator:1")
    asker = replace(LOGIN, ambient=ambient)
    expected = "http://of-the-operator:1" if ambient else "https://s3.eu-west-1.amazonaws.com"
    assert S3Files(asker, PLACE)._get_s3_client().meta.endpoint_url == expected
    named = replace(asker, variables={**LOGIN.variables, S3_ENDPOINT: "http://store.ml:7070"})
    assert S3Files(named, PLACE)._get_s3_client().meta.endpoint_url == "http://store.ml:7070"


@pytest.mark.parametrize(
    ("code", "status", "error", "reason"),
    [
        ("AccessDenied", 403, Rejected, reasons.LOGIN_REJECTED),
        ("InvalidAccessKeyId", 404, Rejected, reasons.LOGIN_REJECTED),
        ("SomethingOfTheirs", 401, Rejected, reasons.LOGIN_REJECTED),
        ("NoSuchKey", 404, NotFound, reasons.ARTIFACTS_MISSING),
        ("NoSuchBucket", 404, NotFound, reasons.ARTIFACTS_MISSING),
        ("InvalidBucketName", 400, Rejected, reasons.REGISTRY_ERROR),
        ("SlowDown", 503, Unavailable, reasons.REGISTRY_UNREACHABLE),
        ("TooManyRequests", 429, Unavailable, reasons.REGISTRY_UNREACHABLE),
        ("InternalError", 500, Unavailable, reasons.REGISTRY_UNREACHABLE),
    ],
)
def test_what_the_store_answers_has_a_reason(code: str, status: int, error: type[PodiumError], reason: str) -> None:
    files = S3Files(LOGIN, PLACE)
    with Stubber(files._get_s3_client()) as store:
        store.add_client_error("list_objects_v2", code, f"no, {SECRET}", status)
        with pytest.raises(error) as caught:
            files.list_artifacts(None)
    assert caught.value.reason == reason
    assert str(caught.value).startswith(f"{PLACE}: the store answered")
    assert SECRET not in str(caught.value)


def test_the_words_of_a_store_that_a_tenant_named_are_not_repeated() -> None:
    files = S3Files(replace(LOGIN, foreign=True), PLACE)
    with Stubber(files._get_s3_client()) as store:
        store.add_client_error("list_objects_v2", "Whatever", "what is inside", 418)
        with pytest.raises(Rejected) as caught:
            files.list_artifacts(None)
    assert "HTTP status 418" in str(caught.value)
    assert "Whatever" not in str(caught.value)
    assert "inside" not in str(caught.value)


@pytest.mark.parametrize(
    ("raised", "error", "reason"),
    [
        (EndpointConnectionError(endpoint_url="http://store.ml"), Unavailable, reasons.REGISTRY_UNREACHABLE),
        (ReadTimeoutError(endpoint_url="http://store.ml"), Unavailable, reasons.REGISTRY_UNREACHABLE),
        (IncompleteReadError(actual_bytes=1, expected_bytes=9), Unavailable, reasons.REGISTRY_UNREACHABLE),
        (NoCredentialsError(), Rejected, reasons.LOGIN_MISSING),
        (ParamValidationError(report="Invalid bucket name"), Rejected, reasons.REGISTRY_ERROR),
    ],
)
def test_what_fails_before_an_answer_has_a_reason(raised: BotoCoreError, error: type[PodiumError], reason: str) -> None:
    with pytest.raises(error) as caught, asking_s3(LOGIN, PLACE):
        raise raised
    assert caught.value.reason == reason
    assert str(caught.value).startswith(PLACE)


def test_an_address_that_no_policy_grants_is_not_permitted() -> None:
    raised = EndpointConnectionError(endpoint_url="http://store.ml")
    raised.__cause__ = AddressRefused()
    with pytest.raises(Rejected, match="no PodiumPolicy grants") as caught, asking_s3(LOGIN, PLACE):
        raise raised
    assert caught.value.reason == reasons.NOT_PERMITTED


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(Rejected, match=r"Invalid endpoint: nowhere. Check the location, and MLFLOW_S3_ENDPOINT_URL"):
        S3Files(replace(LOGIN, variables={S3_ENDPOINT: "nowhere"}), PLACE)


def test_where_the_store_is_is_no_secret() -> None:
    login = replace(LOGIN, variables={**LOGIN.variables, S3_ENDPOINT: "http://store.ml:7070"})
    assert set(secrets(login)) == {"access", SECRET}
