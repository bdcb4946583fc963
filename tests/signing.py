"""Signs files as `model_signing sign key` does: the same bundle, made by hand so that tests need no other package."""

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from podium.core.model_signing import FILE

KIND = "application/vnd.in-toto+json"


class Signer:
    """Somebody with a key of their own."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.public = self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def bundle(self, files: Mapping[str, bytes]) -> bytes:
        """The content of model.sig for these files."""
        return self.envelope(statement({name: hashlib.sha256(text).hexdigest() for name, text in files.items()}))

    def signed(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """The files, with their signature beside them."""
        return {**files, FILE: self.bundle(files)}

    def envelope(self, payload: bytes, kind: str = KIND) -> bytes:
        """Whatever it is, signed."""
        encoded = b"DSSEv1 %d %b %d %b" % (len(kind), kind.encode(), len(payload), payload)
        signature = self._key.sign(encoded, ec.ECDSA(hashes.SHA256()))
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "verificationMaterial": {"publicKey": {"hint": ""}, "tlogEntries": []},
                "dsseEnvelope": {
                    "payload": base64.b64encode(payload).decode(),
                    "payloadType": kind,
                    "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
                },
            }
        ).encode()


def statement(digests: Mapping[str, str], **changed: object) -> bytes:
    """What is signed: the files and their SHA-256."""
    listed = sorted(digests.items())
    root = hashlib.sha256(bytes.fromhex("".join(digest for _, digest in listed))).hexdigest()
    made: dict[str, object] = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "model", "digest": {"sha256": root}}],
        "predicateType": "https://model_signing/signature/v1.0",
        "predicate": {
            "serialization": {
                "method": "files",
                "hash_type": "sha256",
                "allow_symlinks": False,
                "ignore_paths": [FILE],
            },
            "resources": [{"name": name, "digest": digest, "algorithm": "sha256"} for name, digest in listed],
        },
    }
    return json.dumps({**made, **changed}).encode()
