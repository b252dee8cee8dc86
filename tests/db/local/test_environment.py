"""What `dev` reads of the environment and `.env`."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.local.environment import check_store_url, choose_port, read_settings, refuse_on_platforms
from db.local.errors import LocalError

pytestmark = pytest.mark.wire


@pytest.fixture
def listener() -> Iterator[int]:
    """A port somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_env_file_is_read_like_a_shell_would(tmp_path: Path) -> None:
    """Comments, quotes, export and spaces around = are understood; other names are left to the processes."""
    (tmp_path / ".env").write_text(
        "# PORT=1\nexport PORT = 9000 # ours\nDATABASE_URL='postgres://a:b#c@h/d'\n"
        'REDIS_URL="redis://h"\nFEEDS=\nSYMBOLS=BTCUSDT\nnonsense\n'
    )
    expected = {"PORT": "9000", "DATABASE_URL": "postgres://a:b#c@h/d", "REDIS_URL": "redis://h"}
    assert read_settings(tmp_path, {}) == expected


def test_a_hash_inside_a_value_is_part_of_it(tmp_path: Path) -> None:
    """As the processes read it: only after a blank does it begin a comment."""
    (tmp_path / ".env").write_text("DATABASE_URL=postgres://u:p#w@h/d # ours\nPORT=#9000\n")
    found = read_settings(tmp_path, {})
    assert found == {"DATABASE_URL": "postgres://u:p#w@h/d", "PORT": "#9000"}


def test_an_env_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    """One that begins with a byte order mark is text."""
    (tmp_path / ".env").write_bytes(b"\xef\xbb\xbfPORT=9000\r\n")
    assert read_settings(tmp_path, {}) == {"PORT": "9000"}
    (tmp_path / ".env").write_bytes(b"PORT=9000\n\xff\xfe")
    with pytest.raises(LocalError, match=r"\.env is not UTF-8 text"):
        read_settings(tmp_path, {})


def test_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    """Only an empty variable lets the file through."""
    (tmp_path / ".env").write_text("PORT=9000\nFEEDS=live\n")
    assert read_settings(tmp_path, {"PORT": "9001", "FEEDS": ""}) == {"PORT": "9001", "FEEDS": "live"}


def test_without_an_env_file_nothing_is_set(tmp_path: Path) -> None:
    """A fresh clone has no .env."""
    assert read_settings(tmp_path, {"PATH": "/bin"}) == {}


@pytest.mark.parametrize("name", ["DYNO", "RENDER"])
def test_platforms_get_no_local_stores(name: str) -> None:
    """The message names what gave the platform away and what to set instead."""
    with pytest.raises(LocalError, match=f"{name}.*DATABASE_URL and REDIS_URL"):
        refuse_on_platforms({name: "x"})
    refuse_on_platforms({"PATH": "/bin"})


def test_a_url_somebody_answers_at_is_taken(listener: int, tmp_path: Path) -> None:
    """TCP and unix sockets, in both stores' spellings."""
    check_store_url("DATABASE_URL", f"postgres://u:p@127.0.0.1:{listener}/d")
    check_store_url("REDIS_URL", f"redis://127.0.0.1:{listener}/0")
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as other:
        server.bind(str(tmp_path / ".s.PGSQL.5432"))
        server.listen()
        check_store_url("DATABASE_URL", f"postgresql+psycopg2://app@/app?host={tmp_path}")
        other.bind(str(tmp_path / "redis.sock"))
        other.listen()
        check_store_url("REDIS_URL", f"unix://{tmp_path}/redis.sock?db=1")


@pytest.mark.parametrize(
    ("name", "url", "words"),
    [
        ("DATABASE_URL", "mysql://u:secret@h/d", "begins with postgres://"),
        ("REDIS_URL", "http://u:secret@h", "begins with redis://"),
        ("REDIS_URL", "redis://u:secret:x", "is not a URL"),
        ("DATABASE_URL", "postgres://u:secret@[::1/d", "is not a URL"),
        ("DATABASE_URL", "postgres://u:secret@/d?host=/nowhere", "nothing answers at /nowhere/.s.PGSQL.5432"),
        ("DATABASE_URL", "postgres://u:secret@a..b/d", "is not a URL"),
        ("REDIS_URL", "redis://:secret@" + "x" * 300, "is not a URL"),
        ("REDIS_URL", "unix:///nowhere.sock", "nothing answers at /nowhere.sock"),
    ],
)
def test_a_url_that_cannot_work_is_named_without_its_password(name: str, url: str, words: str) -> None:
    """One line: which variable, and why not."""
    with pytest.raises(LocalError) as caught:
        check_store_url(name, url)
    message = str(caught.value)
    assert message.startswith(name)
    assert words in message
    assert "secret" not in message


def test_a_store_that_does_not_listen_is_named_by_host_and_port() -> None:
    """The port of a socket that is closed again answers nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LocalError, match=rf"DATABASE_URL: nothing answers at 127\.0\.0\.1:{port}"):
        check_store_url("DATABASE_URL", f"postgres://u:secret@127.0.0.1:{port}/d")


def test_a_taken_port_is_named_with_a_way_out(listener: int) -> None:
    """Whoever reads the line can act on it."""
    with pytest.raises(LocalError, match=rf"port {listener} is taken.*PORT={listener + 1} \./dev"):
        choose_port(str(listener))


def test_a_listener_on_all_addresses_takes_the_port_as_well() -> None:
    """It would get the browser's requests, or lose its own."""
    with socket.create_server(("0.0.0.0", 0)) as server, pytest.raises(LocalError, match="is taken"):
        choose_port(str(server.getsockname()[1]))


@pytest.mark.parametrize("text", ["http", "-1", "65536", "80.5", "８０", pytest.param("9" * 50, id="long")])
def test_a_port_that_is_none_is_shown(text: str) -> None:
    """The value found stands in the line."""
    with pytest.raises(LocalError, match=f"PORT: expected a number.*{text}"):
        choose_port(text)


def test_a_port_of_more_digits_than_python_reads_is_cut_short() -> None:
    """Its beginning says enough."""
    with pytest.raises(LocalError, match="PORT: expected a number") as refused:
        choose_port("9" * 5000)
    assert len(str(refused.value)) < 200


def test_port_0_is_any_free_port() -> None:
    """What comes back can be bound."""
    with socket.create_server(("127.0.0.1", choose_port("0"))) as server:
        assert server.getsockname()[1] > 1023
