"""One record as Kafka stores it, and the partition that its key goes to.

https://kafka.apache.org/41/implementation/message-format/ (record batch, magic 2)
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

_CRC_32C: Final = 0x82F63B78  # Castagnoli's polynomial, reflected
_32_BITS: Final = 0xFFFFFFFF
_MIXES: Final = 0x5BD1E995  # of MurmurHash2
_SEED: Final = 0x9747B28C  # of Kafka's own client


def batch(key: bytes, value: bytes, headers: Mapping[str, str], at: int) -> bytes:
    """A batch of one record, `at` in milliseconds. No producer has numbered it: a repeat is another record."""
    named = b"".join(_sized(name.encode()) + _sized(text.encode()) for name, text in headers.items())
    record = bytes(1) + _varint(0) * 2 + _sized(key) + _sized(value) + _varint(len(headers)) + named
    times = _number(at, 8) * 2
    content = _number(0, 2) + _number(0, 4) + times + _number(-1, 8) + _number(-1, 2) + _number(-1, 4)
    content += _number(1, 4) + _sized(record)
    rest = _number(-1, 4) + _number(2, 1) + crc32c(content).to_bytes(4, "big") + content
    return _number(0, 8) + _number(len(rest), 4) + rest


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's own client, and what reads by key, has this key."""
    return (_murmur2(key) & 0x7FFFFFFF) % partitions


def crc32c(content: bytes) -> int:
    """RFC 3720, 12.1."""
    table, found = _table(), _32_BITS
    for byte in content:
        found = table[(found ^ byte) & 0xFF] ^ (found >> 8)
    return found ^ _32_BITS


@cache
def _table() -> tuple[int, ...]:
    return tuple(_eight_shifts(byte) for byte in range(256))


def _eight_shifts(found: int) -> int:
    for _ in range(8):
        found = (found >> 1) ^ (_CRC_32C if found & 1 else 0)
    return found


def _murmur2(key: bytes) -> int:
    """https://github.com/apache/kafka/blob/4.0/clients/src/main/java/org/apache/kafka/common/utils/Utils.java."""
    found = _SEED ^ len(key)
    whole = len(key) // 4 * 4
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * _MIXES & _32_BITS
        word = (word ^ word >> 24) * _MIXES & _32_BITS
        found = (found * _MIXES & _32_BITS) ^ word
    if rest := key[whole:]:
        found = (found ^ int.from_bytes(rest, "little")) * _MIXES & _32_BITS
    found = (found ^ found >> 13) * _MIXES & _32_BITS
    return found ^ found >> 15


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "big", signed=True)


def _sized(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Of what is not negative, in zigzag: seven bits a byte, the lowest first."""
    left, made = value << 1, bytearray()
    while left > 0x7F:  # noqa: PLR2004  what seven bits hold
        made.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*made, left])
