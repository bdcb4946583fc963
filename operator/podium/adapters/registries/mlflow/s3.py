"""Artifacts that MLflow keeps in S3 without a proxy: asked for with the login of the call, in the thread of the call.

MLflow's own client of S3 takes its login from the process's environment, keeps connections for all, and copies files
in threads of its own, where neither the call's login nor the addresses it may reach are known. So here each call has a
client of its own, and each file is read or written by one request. Whatever else the store answers is read up to a
limit: botocore would read a listing, or an error, to its end, and follow page after page.

The login is that of the Secret: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as all clients of S3 read them. What the
operator's own environment grants (a role of its pod, say) is for the operator's own login: with another one that names
no key, requests are not signed, which is enough for what everyone may read.
"""

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mlflow.store.artifact.s3_artifact_repo import S3ArtifactRepository
from urllib3.exceptions import HTTPError

from podium.adapters.registries.mlflow.bounded import TooMuch, bounded
from podium.adapters.registries.mlflow.logins import AWS_KEY, AWS_REGION, AWS_SECRET, AWS_TOKEN, S3_ENDPOINT
from podium.adapters.registries.mlflow.plain_text import plain_uri
from podium.adapters.registries.mlflow.s3_faults import InvalidEndpoint, asking_s3
from podium.api.v1alpha1 import reasons
from podium.core.digest import MOST_FILES
from podium.errors import Rejected
from podium.ports import RegistryLogin

MOST_LISTED: Final = 2 * MOST_FILES  # files, folders, and pages without any, of one version
_PART: Final = 2**20  # bytes
_SECONDS: Final = 60  # of silence
_DEFAULT_REGION: Final = "us-east-1"  # for stores that have none: the signature wants one


class S3Files(S3ArtifactRepository):  # type: ignore[misc]  # MLflow is untyped here
    """One folder of a bucket. Blocking: for use in a thread, for one call. Raises as `asking_s3` says."""

    def __init__(self, login: RegistryLogin, location: str) -> None:
        """`location` begins with s3://. Raises ImportError where boto3 is not installed."""
        super().__init__(location, tracking_uri=login.uri, registry_uri=login.uri)
        self._login = login
        self._left = MOST_LISTED
        with self._asking():
            self._client = _client(login.variables, ambient=login.ambient)

    def _get_s3_client(self) -> Any:
        return self._client

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with asking_s3(self._login, self.artifact_uri):
            yield

    def _iterate_s3_paginated_results(self, bucket: str, prefix: str) -> Iterator[Any]:
        pages = self._client.get_paginator("list_objects_v2")
        with self._asking():
            listed = pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/", **self._bucket_owner_params)
            for number, page in enumerate(listed):
                entries = len(page.get("Contents", ())) + len(page.get("CommonPrefixes", ()))
                self._left -= max(entries, 1)
                if self._left < 0:
                    raise self._refused(
                        f"the store lists more than {MOST_LISTED} files and folders, or as many pages. Check the "
                        "location: a version has a folder of its own"
                    )
                if not (number or entries or "Name" in page):
                    raise self._refused(
                        f"what answers is no store of S3's kind: its listing names no bucket. Check {S3_ENDPOINT}"
                    )
                yield page

    def _refused(self, why: str) -> Rejected:
        return Rejected(f"{plain_uri(self.artifact_uri)}: {why}", reason=reasons.REGISTRY_ERROR)

    def _download_file(self, remote_file_path: str, local_path: str) -> None:
        bucket, root = self.parse_s3_compliant_uri(self.artifact_uri)
        key = posixpath.join(root, remote_file_path)
        with self._asking():
            body = self._client.get_object(Bucket=bucket, Key=key, **self._bucket_owner_params)["Body"]
            with body, open(local_path, "wb") as file:  # noqa: PTH123  a pipe
                file.writelines(body.iter_chunks(_PART))

    def _upload_file(self, s3_client: Any, local_file: str, bucket: str, key: str) -> None:
        more = {**self._bucket_owner_params, **(self.get_s3_file_upload_extra_args() or {})}
        with self._asking(), open(local_file, "rb") as file:  # noqa: PTH123
            s3_client.put_object(Bucket=bucket, Key=key, Body=file, **more)


def _client(variables: Mapping[str, str], *, ambient: bool) -> Any:
    import boto3  # noqa: PLC0415  some 30 MiB, where artifacts are in S3 only
    from botocore import UNSIGNED  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    given = {name: variables.get(name, "").strip() or None for name in (AWS_KEY, AWS_SECRET, AWS_TOKEN)}
    endpoint = variables.get(S3_ENDPOINT, "").strip() or None
    region = variables.get(AWS_REGION, "").strip() or (None if ambient else _DEFAULT_REGION)
    signed = bool(given[AWS_KEY] and given[AWS_SECRET])
    session = boto3.Session(
        aws_access_key_id=given[AWS_KEY] if signed else None,
        aws_secret_access_key=given[AWS_SECRET] if signed else None,
        aws_session_token=given[AWS_TOKEN] if signed else None,
        region_name=region,
    )
    config = Config(
        signature_version="s3v4" if signed or ambient else UNSIGNED,
        s3={"addressing_style": "path"} if endpoint else {},  # a bucket is no host in one's own network
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
        retries={"total_max_attempts": 2, "mode": "standard"},  # backing off is the controller's part
        ignore_configured_endpoint_urls=not ambient,
        # Podium has a digest over the whole of it; stores other than Amazon's often know no such trailer.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        client = session.client("s3", endpoint_url=endpoint, config=config)
    except ValueError as error:
        raise InvalidEndpoint(str(error)) from error
    _bound(client)
    return client


def _bound(client: Any) -> None:
    """Let this client read what is no file up to a limit."""
    from botocore.exceptions import HTTPClientError  # noqa: PLC0415

    sent = client._endpoint.http_session.send  # noqa: SLF001  botocore has no public way to read an answer oneself

    def send(request: Any, **_: Any) -> Any:
        file = request.stream_output
        request.stream_output = True  # so that nothing is read yet
        response = sent(request)
        if not file or response.status_code >= 300:  # noqa: PLR2004  HTTP's classes
            try:
                response._content = bounded(response.raw)  # noqa: SLF001  where `content` keeps it
            except (TooMuch, HTTPError) as error:
                response.raw.close()
                raise HTTPClientError(error=error) from error
        return response

    client.meta.events.register("before-send.s3", send)
