"""Backups and moves between engines, through the command that operators use."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.__main__ import main
from controller.model.rows import Network
from controller.runtime import hub
from controller.runtime.errors import Misconfigured
from controller.store import archive, open_store
from controller.store.codec import encode
from controller.store.store import Store

Factory = Callable[[], Store]


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    with hub.Timeout(60):
        yield


def network(number: int, name: str = "") -> Network:
    return Network(id=f"n{number}", project_id="p", name=name, mtu=1450, network_type="vxlan", segment=number + 1)


def rows(number: int) -> dict[str, bytes | None]:
    made: dict[str, bytes | None] = {f"taken/segment/{each}": f"network/n{each}".encode() for each in range(number)}
    return made | {network(each).key: encode(network(each, "é" * 100)) for each in range(number)}


def fill(store: Store, number: int) -> dict[str, bytes | None]:
    content = rows(number)
    items = list(content.items())
    for start in range(0, len(items), 1000):
        store.commit({}, dict(items[start : start + 1000]))
    return content


def content(store: Store) -> dict[str, bytes]:
    return {row.key: row.value for row in store.everything()[1]}


def tenet(*arguments: str | Path) -> int:
    return main(["store", *map(str, arguments)])


def test_a_backup_while_the_store_is_open_and_its_restore(store_url: str, tmp_path: Path, store: Store) -> None:
    expected = fill(store, 50)
    store.commit({}, {"odd/1": b"\xff\x00", "taken/empty": b""})
    with closing(open_store(f"sqlite:///{tmp_path}/other.db")) as other:
        lease = store.lease(5)
        store.commit({}, {"member/1": b"here"}, lease)
        assert tenet("backup", tmp_path / "file", "--url", store_url) == 0
        archive.replace(other, archive.read(tmp_path / "file"))
        assert content(other) == expected | {"odd/1": b"\xff\x00", "taken/empty": b""}
    assert [path.name for path in tmp_path.iterdir() if "file" in path.name] == ["file"]
    assert (tmp_path / "file").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [10, 6_000])
def test_restore_brings_back_what_was_and_only_that(
    store_url: str, store_factory: Factory, tmp_path: Path, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    store = store_factory()
    expected = fill(store, number)
    store.close()
    assert tenet("backup", tmp_path / "file", "--url", store_url) == 0
    store = store_factory()
    untouched = store.get("network/n3")
    store.commit({}, {"network/n1": encode(network(1, "changed")), "network/n2": None, "network/new": b"{}"})
    store.close()
    assert tenet("restore", tmp_path / "file", "--url", store_url) == 1
    assert "not empty" in capsys.readouterr().err
    assert tenet("restore", tmp_path / "file", "--url", store_url, "--replace") == 0
    assert "3 rows written" in capsys.readouterr().out
    store = store_factory()
    assert content(store) == expected and store.get("network/n3") == untouched


def test_a_large_restore_into_an_empty_store(store: Store, tmp_path: Path) -> None:
    expected = {key: value for key, value in rows(6_000).items() if value is not None}
    assert archive.replace(store, expected) == 12_000
    assert content(store) == expected
    archive.check_whole(store)


def test_a_restore_that_was_interrupted_is_noticed_and_can_be_finished(store: Store) -> None:
    expected = {key: value for key, value in rows(6_000).items() if value is not None}
    commits = 0
    commit = store.commit

    def fail(*arguments: object) -> int:
        nonlocal commits
        commits += 1
        if commits == 3:
            raise KeyboardInterrupt
        return commit(*arguments)  # type: ignore[arg-type]

    store.commit = fail  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        archive.replace(store, expected)
    store.commit = commit  # type: ignore[method-assign]
    with pytest.raises(Misconfigured, match="half restored"):
        archive.check_whole(store)
    archive.replace(store, expected)
    assert content(store) == expected


def test_migrate_to_the_other_engine_and_back(
    store_url: str, store_factory: Factory, tmp_path: Path, etcd: object, capsys: pytest.CaptureFixture[str]
) -> None:
    store = store_factory()
    expected = fill(store, 20)
    store.close()
    there = f"sqlite:///{tmp_path}/there.db"
    assert tenet("migrate", store_url, there) == 0
    assert tenet("migrate", there, store_url) == 1
    assert "not empty" in capsys.readouterr().err
    with closing(open_store(there)) as other:
        other.commit({}, {"network/n1": None})
    assert tenet("migrate", there, store_url, "--replace") == 0
    del expected["network/n1"]
    assert content(store_factory()) == expected


def test_an_empty_store_is_not_migrated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tenet("migrate", f"sqlite:///{tmp_path}/a.db", f"sqlite:///{tmp_path}/b.db", "--replace") == 1
    assert "is empty" in capsys.readouterr().err


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    with closing(open_store(f"sqlite:///{tmp_path}/tenet.db")) as store:
        fill(store, 5)
        revision, found = store.everything()
    archive.write(tmp_path / "file", revision, found)
    return tmp_path / "file"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-10],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"network/n1", b"network/n9", 1),
        lambda data: data.replace(b'"tenet-backup":1', b'"tenet-backup":2', 1),
        lambda data: b"\n".join(data.split(b"\n")[:3] + data.split(b"\n")[4:]),
        lambda data: b"SQLite format 3\0" + data,
    ],
)
def test_a_damaged_backup_is_refused(backup: Path, damage: Callable[[bytes], bytes]) -> None:
    backup.write_bytes(damage(backup.read_bytes()))
    with pytest.raises(Misconfigured, match=str(backup)):
        archive.read(backup)


def test_rows_of_another_version_are_not_restored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(open_store(f"sqlite:///{tmp_path}/tenet.db")) as store:
        store.commit({}, {"network/n1": encode(network(1)).replace(b'"v":1', b'"v":99')})
    assert tenet("backup", tmp_path / "file", "--url", f"sqlite:///{tmp_path}/tenet.db") == 0
    assert tenet("restore", tmp_path / "file", "--url", f"sqlite:///{tmp_path}/new.db") == 1
    assert "version 99" in capsys.readouterr().err
    assert not (tmp_path / "new.db").exists()


def test_a_file_from_before_there_were_leases_is_backed_up(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tenet.db"
    with closing(open_store(url)) as store:
        fill(store, 3)
    with closing(sqlite3.connect(tmp_path / "tenet.db")) as connection:
        connection.execute("DROP TABLE leased")
    assert tenet("backup", tmp_path / "file", "--url", url) == 0
    assert len(archive.read(tmp_path / "file")) == 6


def test_a_backup_that_cannot_be_written_leaves_the_old_one(backup: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = backup.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        archive.write(backup, 1, [])
    assert backup.read_bytes() == before
    assert sorted(path.name for path in backup.parent.iterdir() if "file" in path.name) == ["file"]
