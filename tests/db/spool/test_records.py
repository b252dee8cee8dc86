import zlib

import msgspec
import pytest

from db.rows import KINDS, Batch
from db.spool.records import VERSION, DamagedRecord, Record, decoded, encoded
from tests.db.history.rows import T0, tick
from tests.db.spool.batches import of_every_kind

GOLDEN = {
    "ticks": (
        2,
        "78019bc2b82c3d3f2725356f6949667276f1a4994b932a93324b96bb86788406bb849c6760605c70242087e1"
        "2cf38bd30e910c6070da8103c688748088d87f8088c0d48be03087f12cf3cb03c8fa1bb0eb170500fece2e6b",
    ),
    "klines": (
        1,
        "7801558d3b4e033114451dd150b2013a6a2456305380440922b48ce6739558b1fd22fb8dd12c03c402104ccc"
        "0c154b400a9d0b7680b204ca9488b881db9d235d9d874998916a60c24249037777bfaaba4af2973808aed315"
        "a997b3e9f9f5d5e9749086617da99e4ef4484b9882a5c6a71093c78f8bc34dffab62f62d76ebe772368f7902"
        "f1ace836669b44ab5a9143ccb6098327d56ac4fc28f1c0ad35e461637e9ccc285db1fb34eb577818fe13bedc"
        "cf478bdaff5337816dd9c0edbd71b9802daab62b52e53d386a6d8ddec2f150935e2a30d63f0f3162ca",
    ),
    "tickers": (
        1,
        "78013d8f414ec3301045dd337013c41e09380012656d39ce2719d51947f624146e81c401d8d040682b71032f"
        "d8b1e0069c8325c54d99d57fff4b337f1e67abcabb123c08d905427cf85647cf3db8c350101bb658c5bba6f0"
        "6e389b9f5f5f5dcc4767a2e83690c5e7e98fca3336262cf65e7a232eb19c607dd371495ce96004e99db1147d"
        "b0841aa48d6fc19a58101025bdd454d5faf8a44e83f3b7598cbd775d83acd7d205f63d42a6adad0d5739d1ad"
        "95b42d762b7441e5747cf3cf91ee31c5261e8aeee33fcef188ddd7a273abd700db67f9a5d4ece9e3d2a95f08"
        "d38010",
    ),
    "feed_events": (
        1,
        "78019bc2b82c3d3f2725356f755a6a6a4a7c6a596a5e49f1c4a9e7191818171c09c861589a54999459b2b07c"
        "494e6659ea8a92c424ce8cd4a2540072e816b5",
    ),
    "gaps": (
        1,
        "7801013900c6ff9401a6676f6c64656ea4676170739199a56279626974a745544855534454a4626f6f6bcf00"
        "0001a0c4515660c0a673696c656e74a26e6f00a0c51e1853",
    ),
    "dead_letters": (
        1,
        "78019bc2b82c3d3f2725356f4d4a6a624a7c4e6a49496a51f1c429e7191818171c09c861585a92999c5dbc32"
        "2f5f21af343729b5684db55249b19215909793530b002b81193c",
    ),
    "indicators": (
        1,
        "78019bc2b82c3d3f2725356f55665e4a667262497e51f1c43b0cc24b932a93324b96bb86788406bb842c32cc"
        "3dcfc0c0b8e04880ec83d30e9e0e0c2070dac1044c331c386dff03c23a6dff2d0d0c4edbef9c0902b34edbaf"
        "84317e1b83c169fb2f6740e0ec69bbaaeb9f66ed59ef71fa802644fbf2bcd4d292a2c49cb38c131640ec0be4"
        "880300819442ca",
    ),
    "signals": (
        1,
        "78019bc2b82c3d3f2725356f7971667a5e624ef1c4d94b932a93324b96bb86788406bb842c32cc5d53549c19"
        "5f945a965a549c98739e818171c19100d90710462047dce2a4d2cad3f60f18c0e0b443248471a0693150db69"
        "07fb06307f15c88ca4d4b4fca2d4d37655d73fcddab3de0300f1b2300a",
    ),
    "outcomes": (
        1,
        "78019bc2b82c3d3f2725356f457e6949727e6e6af1c4994b932a93324b96bb86788406bb842c32cc5d53549c"
        "195f945a965a549c98739e818171c19100d90736a71d221d184000c800d3404698039805000d401de0",
    ),
    "paper_steps": (
        1,
        "78019bc2b82c3d3f2725356f754162416a517c71496a41f1c4e94b932a93324b96bb86788406bb842c32cc5d"
        "53549c195f945a965a549c98c3b8a8ba76d25cfc6a96e4e4e7a59f6760605c70249063c9698748063038eda0"
        "06611c00010acd801aff99e5b443c401b0b14b8a4bf20b4e1f805976201a220c001b0d53a8",
    ),
}
"""Number of rows and body of records as the first version wrote them: of `of_every_kind("golden")`."""


def test_a_batch_is_read_as_it_was_written() -> None:
    """One record a kind, each of which says what it is; together they are the batch."""
    batch = of_every_kind()
    records = encoded(batch)
    assert [(r.batch_id, r.kind, r.version, r.rows) for r in records] == [
        ("all", kind, VERSION, len(getattr(batch, kind))) for kind in KINDS
    ]
    assert (records[0].first_ts, records[0].last_ts) == (T0, T0 + 1)
    parts = [decoded(record) for record in records]
    assert {kind: getattr(parts[n], kind) for n, kind in enumerate(KINDS)} == {
        kind: getattr(batch, kind) for kind in KINDS
    }


def test_a_record_is_a_message_that_any_program_can_read() -> None:
    """zlib over msgpack: version, batch, kind, rows."""
    (record,) = encoded(Batch("b1", ticks=[tick()]))
    assert msgspec.msgpack.decode(zlib.decompress(record.body)) == [1, "b1", "ticks", [list(tick())]]


@pytest.mark.parametrize("kind", GOLDEN)
def test_what_an_older_program_wrote_is_still_read(kind: str) -> None:
    """A spool outlives an update: fields may come with defaults, none may go or move."""
    rows, body = GOLDEN[kind]
    found = decoded(Record("golden", kind, 1, rows, 0, 0, bytes.fromhex(body)))
    assert getattr(found, kind) == getattr(of_every_kind("golden"), kind)


@pytest.mark.parametrize("where", [0, 10, 60, -1])
def test_a_flipped_byte_is_noticed(where: int) -> None:
    """Anywhere in the body."""
    (record,) = encoded(Batch("b1", ticks=[tick(n) for n in range(20)]))
    body = bytearray(record.body)
    body[where] ^= 0x20
    with pytest.raises(DamagedRecord):
        decoded(record._replace(body=bytes(body)))


def test_a_record_that_was_cut_off_is_noticed() -> None:
    """Half of a body is none."""
    (record,) = encoded(Batch("b1", ticks=[tick(n) for n in range(20)]))
    with pytest.raises(DamagedRecord):
        decoded(record._replace(body=record.body[: len(record.body) // 2]))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ([VERSION + 1, "b1", "ticks", []], "version 2"),
        ([VERSION, "b1", "wishes", []], "wishes"),
        ([VERSION, "b2", "ticks", []], "different rows"),
        ([VERSION, "b1", "ticks", [[1, 2]]], "length"),
        ({"b1": 1}, "Expected"),
    ],
)
def test_what_is_not_known_here_is_not_guessed_at(message: object, words: str) -> None:
    """Another version, kind, batch or shape."""
    body = zlib.compress(msgspec.msgpack.encode(message))
    with pytest.raises(DamagedRecord, match=words):
        decoded(Record("b1", "ticks", VERSION, 0, 0, 0, body))


@pytest.mark.parametrize("changes", [{"update_id": 2**70}, {"symbol": "\ud800"}, {"ts": None}])
def test_a_row_that_no_table_would_take_cannot_be_written(changes: dict[str, object]) -> None:
    """It is said so; nothing is left out silently."""
    with pytest.raises((ValueError, OverflowError, TypeError)):
        encoded(Batch("b1", ticks=[tick(), tick()._replace(**changes)]))  # type: ignore[arg-type]
