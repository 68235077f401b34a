"""A temporary stack starts from a kept cluster only if it would make the same one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from parlant_supabase.local.cluster_cache import copy_cluster
from parlant_supabase.local.credentials import Credentials
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.packages import Programs

Start = Callable[[], DataDirectory]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    migrations = tmp_path / "project" / "supabase" / "migrations"
    migrations.mkdir(parents=True)
    (migrations / "1_first.sql").write_text("select 1;")
    return tmp_path / "project"


@pytest.fixture
def programs(tmp_path: Path) -> Programs:
    program = tmp_path / "postgres"
    program.touch()
    return Programs(program, program, 17, program, program, ("supabase",))


@pytest.fixture
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where clusters are kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "parlant-supabase" / "clusters"


class Maker:
    """Stands in for booting a stack and deploying to it."""

    def __init__(self) -> None:
        self.made = 0

    def make(self, data: DataDirectory) -> None:
        self.made += 1
        data.prepare(None)
        data.create_credentials()
        data.save_description(data.plan(None, None))
        data.postgres.mkdir()
        (data.postgres / "cluster").write_text(str(self.made))


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
def start(tmp_path: Path, clusters: Path, project: Path, programs: Programs, maker: Maker) -> Start:
    """Fills the data directory of a new stack."""

    def start() -> DataDirectory:
        data = DataDirectory(tmp_path / f"stack-{len(list(tmp_path.glob('stack-*')))}")
        data.prepare(None)
        copy_cluster(data, project, programs, maker.make)
        return data

    return start


def cluster(data: DataDirectory) -> str:
    return (data.postgres / "cluster").read_text()


def test_that_the_second_stack_starts_from_the_cluster_of_the_first(
    start: Start, maker: Maker
) -> None:
    first, second = start(), start()

    assert maker.made == 1
    assert cluster(first) == cluster(second) == "1"
    assert first.load_credentials() == second.load_credentials()


def test_that_each_stack_has_ports_of_its_own(start: Start) -> None:
    descriptions = [start().load_description() for _ in range(2)]

    first, second = (description.ports for description in descriptions if description)
    assert first != second


def test_that_what_a_stack_changes_is_not_kept(start: Start) -> None:
    (start().postgres / "cluster").write_text("changed")

    assert cluster(start()) == "1"


def test_that_another_migration_makes_another_cluster(start: Start, project: Path) -> None:
    start()
    (project / "supabase" / "migrations" / "2_second.sql").write_text("select 2;")

    assert cluster(start()) == "2"


def test_that_a_changed_migration_makes_another_cluster(start: Start, project: Path) -> None:
    start()
    (project / "supabase" / "migrations" / "1_first.sql").write_text("select 2;")

    assert cluster(start()) == "2"


def test_that_another_postgres_makes_another_cluster(start: Start, programs: Programs) -> None:
    start()
    os.utime(programs.postgres, (1, 1))

    assert cluster(start()) == "2"


def test_that_a_cluster_is_not_kept_if_a_migration_was_edited_meanwhile(
    start: Start,
    clusters: Path,
    project: Path,
    maker: Maker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make = maker.make

    def edit_and_make(data: DataDirectory) -> None:
        (project / "supabase" / "migrations" / "1_first.sql").write_text("select 2;")
        make(data)

    with monkeypatch.context() as context:
        context.setattr(maker, "make", edit_and_make)
        assert cluster(start()) == "1"

    assert list(clusters.iterdir()) == []
    assert cluster(start()) == "2"


def test_that_nothing_is_kept_of_a_failure(
    start: Start, clusters: Path, maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(data: DataDirectory) -> None:
        Maker().make(data)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(maker, "make", fail)
        with pytest.raises(KeyboardInterrupt):
            start()
    assert cluster(start()) == "1"
    assert maker.made == 1
    assert [path.name.startswith("unfinished") for path in clusters.iterdir()] == [False]


def test_that_the_cluster_unused_for_longest_goes(
    start: Start, clusters: Path, project: Path
) -> None:
    migration = project / "supabase" / "migrations" / "1_first.sql"
    for number in range(5):
        migration.write_text(f"select {number};")
        start()
        for age, path in enumerate(sorted(clusters.iterdir(), key=lambda p: -p.stat().st_mtime)):
            os.utime(path, (1000 - age, 1000 - age))

    kept = {(path / "postgres" / "cluster").read_text() for path in clusters.iterdir()}
    assert kept == {"2", "3", "4", "5"}


def test_that_credentials_are_for_their_owner_alone(start: Start, clusters: Path) -> None:
    data = start()

    for path in (data.path, *clusters.iterdir()):
        assert (path / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert isinstance(data.load_credentials(), Credentials)
