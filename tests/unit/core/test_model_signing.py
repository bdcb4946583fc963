"""Only what an allowed key has signed is verified: all files, as they are, and nothing beside them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from podium.core.digest import digest_of
from podium.core.model_signing import FILE, NotVerified, verify
from tests.signing import Signer, statement

GOLDEN = Path(__file__).with_name("signed")  # by model-signing 1.1.1: model_signing sign key m --private_key key.pem
FILES = {"MLmodel": b"flavors: {}\n", "data/model.bin": b"weights"}
ALICE, MALLORY = Signer(), Signer()


def digest(files: Mapping[str, bytes]) -> str:
    return digest_of({name: hashlib.sha256(text).hexdigest() for name, text in files.items()})


def check(files: Mapping[str, bytes], *keys: str) -> None:
    verify(files.get(FILE), digest(files), keys or (ALICE.public,))


@pytest.mark.parametrize("curve", ["prime256v1", "secp384r1"])
def test_what_the_tool_of_model_signing_has_signed_is_verified(curve: str) -> None:
    files = {**FILES, FILE: (GOLDEN / f"{curve}.sig").read_bytes()}
    check(files, (GOLDEN / f"{curve}.pub").read_text())


def test_one_of_several_keys_is_enough() -> None:
    check(ALICE.signed(FILES), MALLORY.public, ALICE.public)


def test_a_file_that_mlflow_adds_when_it_downloads_may_be_signed_or_not() -> None:
    check(ALICE.signed({**FILES, "registered_model_meta": b"x"}))
    check({**ALICE.signed(FILES), "registered_model_meta": b"x"})


SHARD = {"name": "a", "algorithm": "sha256-sharded-1", "digest": "0" * 64}
REFUSED = {
    "no signature": (FILES, "there is no file model.sig"),
    "another key": (MALLORY.signed(FILES), "signed by none of the keys"),
    "a changed file": ({**ALICE.signed(FILES), "MLmodel": b"flavors: {evil: {}}\n"}, "for other files"),
    "an added file": ({**ALICE.signed(FILES), "code/evil.py": b"x"}, "for other files"),
    "a file left out": ({name: text for name, text in ALICE.signed(FILES).items() if name != "MLmodel"}, "other files"),
    "another model's": ({**FILES, FILE: ALICE.bundle({"MLmodel": b"other"})}, "for other files"),
    "no bundle": ({**FILES, FILE: b"PK\x03\x04"}, "no bundle of model signing"),
    "deep nesting": ({**FILES, FILE: b"[" * 100_000}, "no bundle of model signing"),
    "another kind": ({**FILES, FILE: ALICE.envelope(b"{}", "text/plain")}, "something else than a signed statement"),
    "no JSON": ({**FILES, FILE: ALICE.envelope(b"hello")}, "no JSON"),
    "no statement": ({**FILES, FILE: ALICE.envelope(b"[]")}, "of another form"),
    "version 0.2": (
        {**FILES, FILE: ALICE.envelope(statement({}, predicateType="https://model_signing/Digests/v0.1"))},
        "not of version 1.0",
    ),
    "no subject": ({**FILES, FILE: ALICE.envelope(statement({}, subject=[]))}, "of another form"),
    "another root": (
        {**FILES, FILE: ALICE.envelope(statement({}, subject=[{"name": "m", "digest": {"sha256": "0" * 64}}]))},
        "contradicts itself",
    ),
    "shards": ({**FILES, FILE: ALICE.envelope(statement({}, predicate={"resources": [SHARD]}))}, "whole files by SHA"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_anything_else_is_refused_and_says_why(case: str) -> None:
    files, words = REFUSED[case]
    with pytest.raises(NotVerified, match=words):
        check(files)


def test_a_statement_that_was_changed_after_it_was_signed_is_refused() -> None:
    bundle = json.loads(ALICE.bundle(FILES))
    other = json.loads(ALICE.bundle({**FILES, "code/evil.py": b"x"}))
    bundle["dsseEnvelope"]["payload"] = other["dsseEnvelope"]["payload"]
    with pytest.raises(NotVerified, match="signed by none"):
        check({**FILES, "code/evil.py": b"x", FILE: json.dumps(bundle).encode()})


def test_no_file_can_be_left_out_behind_the_name_of_another() -> None:
    signed = ALICE.signed(FILES)
    weights = signed.pop("data/model.bin")
    signed[f"MLmodel\n{hashlib.sha256(weights).hexdigest()}  data/model.bin"] = signed.pop("MLmodel")
    with pytest.raises(NotVerified):
        check(signed)


def ed25519_key() -> str:
    key = ed25519.Ed25519PrivateKey.generate().public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "cannot be read as PEM"),
        (ed25519_key(), "none of the curves"),
    ],
)
def test_a_key_of_another_kind_is_said(key: str, words: str) -> None:
    with pytest.raises(NotVerified, match=words):
        check(ALICE.signed(FILES), key)


SIGNED = ALICE.signed(FILES)


@given(st.integers(0, len(SIGNED[FILE]) - 1), st.integers(1, 255))
def test_no_byte_of_a_bundle_can_be_changed_and_its_old_digest_kept(place: int, change: int) -> None:
    bundle = bytearray(SIGNED[FILE])
    bundle[place] ^= change
    with pytest.raises(NotVerified):
        verify(bytes(bundle), digest(SIGNED), (ALICE.public,))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_whatever_is_signed_ends_in_a_word_and_never_in_a_trace(value: object) -> None:
    for payload in (json.dumps(value).encode(), statement({}, predicate=value), statement({}, subject=value)):
        with pytest.raises(NotVerified):
            check({**FILES, FILE: ALICE.envelope(payload)})
