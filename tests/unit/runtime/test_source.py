"""Sources are tried in order, fail closed, and a silent registry is replaced by the last good copy."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from podium.runtime.exits import Exit, StartError
from podium.runtime.identity import Identity
from podium.runtime.legacy_env import mapped
from podium.runtime.loading import source
from podium.runtime.loading.cache import Cache
from podium.runtime.loading.load import load
from podium.runtime.loading.source import Fetched, fetch
from podium.runtime.reference import Kind, Reference, references
from podium.runtime.settings import Settings
from tests.signing import Signer

CHURN, FRAUD = Reference(Kind.VERSION, "models:/churn/7"), Reference(Kind.RUN, "abc")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "MLmodel").write_text("flavors: {}")
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


class Registry:
    """Stands where MLflow is asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, Fetched | Exception] = {}
        monkeypatch.setattr(source, "_FETCHERS", dict.fromkeys(Kind, self._ask))

    def _ask(self, reference: Reference, place: Path | None) -> Fetched:
        self.asked.append(reference.text)
        answer = self.answers[reference.text]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    return Registry(monkeypatch)


SILENT, SPOKEN = source._Failed("connection refused", final=False), source._Failed("no such version", final=True)


def test_only_the_first_source_is_tried(registry: Registry) -> None:
    registry.answers = {CHURN.text: SPOKEN, FRAUD.text: Fetched(Path(), Identity("fraud", "1"))}
    with pytest.raises(StartError, match="models:/churn/7: no such version") as failed:
        fetch((CHURN, FRAUD), None, fall_back=False)
    assert failed.value.exit_code is Exit.NOT_FETCHED
    assert registry.asked == [CHURN.text]


def test_the_next_source_is_tried_where_that_is_asked_for_and_all_attempts_are_told(registry: Registry) -> None:
    registry.answers = {CHURN.text: SPOKEN, FRAUD.text: Fetched(Path(), Identity("fraud", "1"))}
    fetched = fetch((CHURN, FRAUD), None, fall_back=True)
    assert fetched.identity.model == "fraud"
    assert [attempt["result"] for attempt in fetched.attempts] == ["no such version", "ok"]


class OfAStore(Exception):
    """As botocore's: neither MLflow's nor the operating system's."""


def test_what_the_client_of_a_store_raises_is_not_the_versions_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(**_: object) -> str:
        raise OfAStore("Could not connect to the endpoint URL")

    monkeypatch.setattr(source, "download_artifacts", silent)
    stored = Reference(Kind.ARTIFACT, "s3://models/churn")
    told = "expected the model's files, found OfAStore: Could not connect"
    with pytest.raises(StartError, match=told) as failed:
        fetch((stored,), None, fall_back=False)
    assert failed.value.exit_code is Exit.NOT_FETCHED


def saved(cache: Cache, files: Path) -> Identity:
    identity = source._hashed(files, Identity("churn", "7", run_id="r")).identity
    cache.save(CHURN.text, files, identity)
    return identity


def test_a_silent_registry_is_replaced_by_the_last_good_copy(registry: Registry, cache: Cache, files: Path) -> None:
    identity = saved(cache, files)
    registry.answers = {CHURN.text: SILENT}
    fetched = fetch((CHURN,), cache, fall_back=False)
    assert (fetched.identity, fetched.from_cache) == (identity, True)
    assert [attempt["kind"] for attempt in fetched.attempts] == ["registered version", "cache"]


def test_a_registry_that_has_spoken_is_not_overruled(registry: Registry, cache: Cache, files: Path) -> None:
    saved(cache, files)
    registry.answers = {CHURN.text: SPOKEN}
    with pytest.raises(StartError):
        fetch((CHURN,), cache, fall_back=False)


def test_a_damaged_copy_is_not_used(registry: Registry, cache: Cache, files: Path, tmp_path: Path) -> None:
    saved(cache, files)
    (copy,) = tmp_path.glob("cache/models/sha256-*/MLmodel")
    copy.write_text("something else")
    registry.answers = {CHURN.text: SILENT}
    with pytest.raises(StartError):
        fetch((CHURN,), cache, fall_back=False)


def test_old_copies_go(cache: Cache, files: Path, tmp_path: Path) -> None:
    for number in range(5):
        (files / "weights").write_text(str(number))
        saved(cache, files)
    assert len(list(tmp_path.glob("cache/models/*"))) == 3


@pytest.mark.parametrize(
    ("older", "kind", "text"),
    [
        ({"MODEL_VARIANT": "churn"}, Kind.ALIAS, "models:/churn@champion"),
        ({"MODEL_VARIANT": "models:/churn/3"}, Kind.VERSION, "models:/churn/3"),
        ({"MODEL_RUN_ID": "abc"}, Kind.RUN, "abc"),
        ({"MODEL_RUN_NAME": "nightly"}, Kind.RUN_NAME, "nightly"),
        ({"PODIUM_MODEL_URI": "models:/fraud/1", "MODEL_VARIANT": "churn"}, Kind.VERSION, "models:/fraud/1"),
        ({"PODIUM_MODEL_URI": "runs:/abc/model"}, Kind.ARTIFACT, "runs:/abc/model"),
        ({"PODIUM_SOURCE_PATH": "/models/churn.pkl"}, Kind.LOCAL, "/models/churn.pkl"),
    ],
)
def test_older_names_are_mapped(older: dict[str, str], kind: Kind, text: str) -> None:
    assert references(mapped(older))[0] == Reference(kind, text)


def test_a_file_of_settings_is_read(tmp_path: Path) -> None:
    file = tmp_path / "server.yaml"
    file.write_text("model_run_id: abc\npodium_port: 8081\n")
    found = mapped({"CONFIG_PATH": str(file), "PODIUM_PORT": "9"})
    assert (found["PODIUM_SOURCE_RUN_ID"], found["PODIUM_PORT"]) == ("abc", "9")


def test_an_unreadable_file_of_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="CONFIG_PATH"):
        mapped({"CONFIG_PATH": str(tmp_path / "none.yaml")})


@pytest.mark.parametrize("uri", ["models:/churn", "models:/churn/latest", "models:churn/1"])
def test_a_reference_of_no_known_form_is_refused(uri: str) -> None:
    with pytest.raises(StartError, match="PODIUM_MODEL_URI: expected"):
        references({"PODIUM_MODEL_URI": uri})


class Ran:
    """A pickle that leaves a file where it is read."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def settings_for(path: Path, digest: str) -> Settings:
    return Settings.from_environment({"PODIUM_MODEL_URI": str(path), "PODIUM_MODEL_DIGEST": digest})


def test_a_pickle_is_not_read_before_its_digest_is_proved(tmp_path: Path) -> None:
    file, mark = tmp_path / "evil.pkl", tmp_path / "it-ran"
    file.write_bytes(pickle.dumps(Ran(mark)))
    with pytest.raises(StartError, match="digest") as failed:
        load(settings_for(file, f"sha256:{'0' * 64}"))
    assert failed.value.exit_code is Exit.DIGEST_MISMATCH
    assert not mark.exists()


def test_a_pickle_is_not_read_before_its_signature_is_verified(tmp_path: Path) -> None:
    """Its digest is that of the files, as whoever put them there has pinned it."""
    folder, mark, alice = tmp_path / "model", tmp_path / "it-ran", Signer()
    folder.mkdir()
    for name, content in Signer().signed({"model.pkl": pickle.dumps(Ran(mark)), "MLmodel": b"flavors: {}\n"}).items():
        (folder / name).write_bytes(content)
    environ = {"PODIUM_MODEL_URI": str(folder), "PODIUM_VERIFY_KEYS": alice.public}
    with pytest.raises(StartError, match="signed by none of the keys") as failed:
        load(Settings.from_environment(environ))
    assert failed.value.exit_code is Exit.SIGNATURE_NOT_VERIFIED
    assert not mark.exists()


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_among_a_models_files_is_refused(files: Path, tmp_path: Path, kind: str) -> None:
    """What it leads to could change after it was hashed; what is in a linked folder was not hashed at all."""
    target = tmp_path / "elsewhere"
    target.mkdir() if kind == "folder" else target.write_text("weights")
    (files / "weights").symlink_to(target)
    with pytest.raises(StartError, match="weights is a symbolic link"):
        fetch((Reference(Kind.LOCAL, str(files)),), None, fall_back=False)
