"""Records as Kafka stores them: against values that Kafka's own client, and the RFC, have."""

import pytest

from podium.adapters.notifiers.kafka_records import batch, crc32c, partition_of


@pytest.mark.parametrize(
    ("content", "expected"), [(b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (b"", 0)]
)
def test_the_sum_is_castagnolis(content: bytes, expected: int) -> None:
    assert crc32c(content) == expected


# org.apache.kafka.common.utils.UtilsTest, testMurmur2
@pytest.mark.parametrize(
    ("key", "found"),
    [
        (b"21", -973932308),
        (b"foobar", -790332482),
        (b"a-little-bit-long-string", -985981536),
        (b"a-little-bit-longer-string", -1486304829),
        (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
        (b"abc", 479470107),
    ],
)
def test_a_key_goes_to_the_partition_that_kafkas_own_client_takes(key: bytes, found: int) -> None:
    for partitions in (1, 3, 12, 1000):
        assert partition_of(key, partitions) == (found & 0x7FFFFFFF) % partitions


def test_a_batch_says_its_own_length_and_sum() -> None:
    made = batch(b"ml/churn", b"x" * 300, {"content-type": "text"}, 1767604351204)
    assert int.from_bytes(made[8:12], "big") == len(made) - 12
    assert made[16] == 2
    assert int.from_bytes(made[17:21], "big") == crc32c(made[21:])
