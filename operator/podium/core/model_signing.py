"""Models that are signed: whether a bundle of OpenSSF model signing covers the very files that a digest pins.

The bundle (`model.sig`) lists each file with its SHA-256, in a statement that is signed as a DSSE envelope. Podium's
digest is one hash over the same list. So neither the files nor their hashes are needed here: the digest of what is
listed, and of the bundle itself, is the pinned one, or something was added, left out or changed.

https://github.com/ossf/model-signing-spec, https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from podium.core.digest import digest_of

FILE: Final = "model.sig"
LARGEST: Final = 4 * 1024 * 1024  # bytes of a bundle: twenty thousand files
_PAYLOAD: Final = "application/vnd.in-toto+json"
_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PREDICATE: Final = "https://model_signing/signature/v1.0"
_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


class NotVerified(Exception):
    """No key that is allowed has signed these files; says why in words that end a sentence."""


def verify(bundle: bytes | None, digest: str, public_keys: Sequence[str]) -> None:
    """Return if one of the keys (PEM) has signed the files that `digest` pins. `bundle` is None where there is none.

    Raises NotVerified.
    """
    if bundle is None:
        raise NotVerified(f"there is no file {FILE} among them")
    statement = _signed(bundle, [_key(each) for each in public_keys])
    found = digest_of({**_files(statement), FILE: hashlib.sha256(bundle).hexdigest()})
    if found != digest:
        raise NotVerified(
            f"{FILE} is signed, for other files: with those that it lists the digest is {found}, expected {digest}; "
            "a file was added, left out or changed"
        )


def _key(pem: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NotVerified(f"a public key cannot be read as PEM ({type(error).__name__})") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in _HASHES:
        raise NotVerified("a public key is none of the curves P-256, P-384 and P-521, which model signing uses")
    return key


def _signed(bundle: bytes, keys: Sequence[ec.EllipticCurvePublicKey]) -> Any:
    """The statement that one of the keys has signed. Nothing of it is looked at before."""
    try:
        envelope = json.loads(bundle)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in envelope["signatures"]]
        kind = envelope["payloadType"]
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error) as error:
        raise NotVerified(f"{FILE} is no bundle of model signing ({type(error).__name__})") from error
    if kind != _PAYLOAD:
        raise NotVerified(f"{FILE} holds something else than a signed statement")
    if not any(_fits(key, signature, payload) for key in keys for signature in signatures[:8]):
        raise NotVerified(f"{FILE} is signed by none of the keys that are allowed")
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise NotVerified(f"{FILE} holds a signed statement that is no JSON") from error


def _fits(key: ec.EllipticCurvePublicKey, signature: bytes, payload: bytes) -> bool:
    encoded = b"DSSEv1 %d %b %d %b" % (len(_PAYLOAD), _PAYLOAD.encode(), len(payload), payload)
    try:
        key.verify(signature, encoded, ec.ECDSA(_HASHES[key.curve.name]))
    except InvalidSignature:
        return False
    return True


def _files(statement: Any) -> dict[str, str]:
    """The files that a statement lists, and their SHA-256 in hex."""
    try:
        if (statement["_type"], statement["predicateType"]) != (_STATEMENT, _PREDICATE):
            raise NotVerified(f"{FILE} is not of version 1.0 of model signing; sign again with a newer release")
        (subject,) = statement["subject"]
        listed = [(each["name"], each["algorithm"], each["digest"]) for each in statement["predicate"]["resources"]]
        root = subject["digest"]["sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise NotVerified(f"{FILE} holds a signed statement of another form ({type(error).__name__})") from error
    if not all(type(name) is str and algorithm == "sha256" and _is_hash(digest) for name, algorithm, digest in listed):
        raise NotVerified(f"{FILE} lists other things than whole files by SHA-256; sign by file, with sha256")
    files = {name: digest for name, _, digest in listed}
    if len(files) != len(listed) or hashlib.sha256(bytes.fromhex("".join(files.values()))).hexdigest() != root:
        raise NotVerified(f"{FILE} holds a signed statement that contradicts itself")
    return files


def _is_hash(value: Any) -> bool:
    return type(value) is str and _SHA256.fullmatch(value) is not None
