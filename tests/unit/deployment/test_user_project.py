"""What is added to a user's Supabase project, under which names, and what is left as it is."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from parlant_supabase.deployment import user_project
from parlant_supabase.deployment.errors import DeploymentError
from parlant_supabase.deployment.migrations import Migration
from parlant_supabase.deployment.user_project import add_migrations, wanted_migrations
from parlant_supabase.errors import ConfigurationError

FIRST = Migration("20260101000000_install_it.sql", "create schema it;\n")
SECOND = Migration("20260201000000_add_more.sql", "select 'ä';\n")


@pytest.fixture(autouse=True)
def package_migrations(monkeypatch: pytest.MonkeyPatch) -> list[Migration]:
    """The migrations that the package has; a test may add to them, as an upgrade does."""
    migrations = [FIRST]

    def migrations_for(schema: str) -> list[Migration]:
        if schema == "public":
            return [*migrations]
        return [
            Migration(f"{each.name[:-4]}_in_{schema}.sql", f"-- {schema}\n{each.text}")
            for each in migrations
        ]

    monkeypatch.setattr(user_project, "migrations_for", migrations_for)
    return migrations


def write(folder: Path, name: str, text: str = "select 1;\n") -> Path:
    """A migration that the project has."""
    path = folder / "supabase" / "migrations" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    return path


def texts(folder: Path) -> dict[str, str]:
    """The project's migrations: {name without the version: text}."""
    files = (folder / "supabase" / "migrations").iterdir()
    return {file.name.partition("_")[2]: file.read_bytes().decode() for file in files}


class TestMigrations:
    def test_that_an_empty_folder_gets_all(
        self, tmp_path: Path, package_migrations: list[Migration]
    ) -> None:
        package_migrations.append(SECOND)

        result = add_migrations(tmp_path, None, [])

        assert [file.name.partition("_")[2] for file in result.added] == [
            "install_it.sql",
            "add_more.sql",
        ]
        assert result.edited == []
        assert result.schemas == ["public"]
        assert texts(tmp_path) == {"install_it.sql": FIRST.text, "add_more.sql": SECOND.text}
        assert {file.parent for file in result.added} == {tmp_path / "supabase" / "migrations"}

    def test_that_again_it_adds_nothing(self, tmp_path: Path) -> None:
        add_migrations(tmp_path, None, ["acme_"])
        before = texts(tmp_path)

        result = add_migrations(tmp_path, None, ["acme_"])

        assert (result.added, result.edited) == ([], [])
        assert texts(tmp_path) == before

    def test_that_after_an_upgrade_it_adds_what_is_new(
        self, tmp_path: Path, package_migrations: list[Migration]
    ) -> None:
        add_migrations(tmp_path, None, [])
        package_migrations.append(SECOND)

        (added,) = add_migrations(tmp_path, None, []).added

        assert added.read_text("utf-8") == SECOND.text

    def test_that_a_copy_under_another_name_is_recognised(self, tmp_path: Path) -> None:
        (file,) = add_migrations(tmp_path, None, []).added
        file.rename(file.with_name("20260101000000_parlant.sql"))

        result = add_migrations(tmp_path, None, [])

        assert (result.added, result.edited) == ([], [])

    def test_that_a_copy_with_other_ends_of_lines_is_recognised(self, tmp_path: Path) -> None:
        (file,) = add_migrations(tmp_path, None, []).added
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))

        result = add_migrations(tmp_path, None, [])

        assert (result.added, result.edited) == ([], [])

    def test_that_an_edited_copy_is_told_and_left_alone(
        self, tmp_path: Path, package_migrations: list[Migration]
    ) -> None:
        package_migrations.append(SECOND)
        edited = write(tmp_path, "20260101000000_install_it.sql", "select 1; -- mine\n")

        result = add_migrations(tmp_path, None, [])

        assert result.edited == [edited]
        assert edited.read_text() == "select 1; -- mine\n"
        assert [file.name.partition("_")[2] for file in result.added] == ["add_more.sql"]

    def test_that_other_files_are_no_migrations(self, tmp_path: Path) -> None:
        write(tmp_path, "20990101000000_install_it.sql.bak", FIRST.text)

        (added,) = add_migrations(tmp_path, None, []).added

        assert added.name < "2099"


class TestVersions:
    def test_that_they_are_of_now(self, tmp_path: Path) -> None:
        before = datetime.now(timezone.utc).replace(microsecond=0)
        write(tmp_path, "20260101000000_orders.sql")

        (file,) = add_migrations(tmp_path, None, []).added

        version = datetime.strptime(file.name[:15], "%Y%m%d%H%M%S_").replace(tzinfo=timezone.utc)
        assert before <= version <= datetime.now(timezone.utc)

    def test_that_they_ascend_a_second_each(self, tmp_path: Path) -> None:
        added = add_migrations(tmp_path, None, [f"p{number}_" for number in range(70)]).added

        moments = [datetime.strptime(file.name[:14], "%Y%m%d%H%M%S") for file in added]
        assert len(moments) == 71
        assert moments == [moments[0] + timedelta(seconds=i) for i in range(71)]

    @pytest.mark.parametrize(
        ("last", "first"),
        [
            ("20990101000000", "20990101000001"),
            ("20990101235959", "20990101235960"),
            # Longer and shorter ones are compared as text by the CLI.
            ("20990101000000999", "20990101000001"),
            ("9", "90000000000001"),
        ],
    )
    def test_that_they_are_after_those_of_the_future(
        self, tmp_path: Path, last: str, first: str
    ) -> None:
        write(tmp_path, "20260101000000_sooner.sql")
        write(tmp_path, f"{last}_late_orders.sql")

        added = add_migrations(tmp_path, None, ["acme_"]).added

        versions = [file.name.partition("_")[0] for file in added]
        assert versions == [first, str(int(first) + 1)]
        assert last < versions[0]

    def test_that_a_version_of_this_second_is_passed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                assert tz is timezone.utc
                return datetime(2026, 3, 1, 12, tzinfo=timezone.utc)

        monkeypatch.setattr(user_project, "datetime", Clock)
        write(tmp_path, "20260301120000_orders.sql")

        (added,) = add_migrations(tmp_path, None, []).added

        assert added.name == "20260301120001_install_it.sql"


class TestSchemas:
    def test_that_the_schema_asked_for_is_taken(self, tmp_path: Path) -> None:
        result = add_migrations(tmp_path, "sales", [])

        assert result.schemas == ["sales"]
        assert [*texts(tmp_path)] == ["install_it_in_sales.sql"]

    def test_that_those_of_the_project_are_remembered(
        self, tmp_path: Path, package_migrations: list[Migration]
    ) -> None:
        for schema in ("support_2", "public", "sales"):
            add_migrations(tmp_path, schema, [])
        write(tmp_path, "20260101000000_install_it_for_me.sql")
        package_migrations.append(SECOND)

        result = add_migrations(tmp_path, None, [])

        assert result.schemas == ["public", "sales", "support_2"]
        assert {*texts(tmp_path)} >= {
            "add_more.sql",
            "add_more_in_sales.sql",
            "add_more_in_support_2.sql",
        }

    def test_that_any_migration_of_the_package_tells_of_its_schema(
        self, tmp_path: Path, package_migrations: list[Migration]
    ) -> None:
        package_migrations.append(SECOND)
        write(tmp_path, "20260101000000_add_more_in_sales.sql")

        assert add_migrations(tmp_path, None, []).schemas == ["sales"]

    def test_that_a_schema_that_cannot_be_one_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="cannot be the schema"):
            add_migrations(tmp_path, "pg_mine", ["acme_"])


class TestConfiguration:
    def test_that_a_folder_without_one_gets_the_least(self, tmp_path: Path) -> None:
        project = tmp_path / "Xmas shop, über alles!"

        result = add_migrations(project, None, [])

        assert result.made_configuration
        assert (project / "supabase" / "config.toml").read_bytes() == (
            b'project_id = "Xmas-shop-ber-alles"\n'
        )

    def test_that_a_name_of_nothing_usable_is_replaced(self, tmp_path: Path) -> None:
        add_migrations(tmp_path / "äöü", None, [])

        assert (tmp_path / "äöü" / "supabase" / "config.toml").read_text() == (
            'project_id = "parlant"\n'
        )

    def test_that_it_exposes_the_schema(self, tmp_path: Path) -> None:
        add_migrations(tmp_path / "shop", "sales", [])

        assert (tmp_path / "shop" / "supabase" / "config.toml").read_text() == (
            'project_id = "shop"\n\n[api]\nschemas = ["public", "graphql_public", "sales"]\n'
        )

    def test_that_one_that_is_there_stays(self, tmp_path: Path) -> None:
        path = tmp_path / "supabase" / "config.toml"
        path.parent.mkdir()
        path.write_text("mine")

        result = add_migrations(tmp_path, "sales", [])

        assert not result.made_configuration
        assert path.read_text() == "mine"


class TestTablesUnderAPrefix:
    def test_that_they_are_made_by_a_migration(self) -> None:
        *_, tables = wanted_migrations("public", ["acme_"])

        assert tables.name == "_parlant_supabase_tables_acme_.sql"
        assert tables.text == (
            "-- The tables of Parlant's three stores under the prefixes acme_sessions_,\n"
            "-- acme_customers_ and acme_context_variables_, and views of them for people.\n"
            "set statement_timeout = 0;\n\n"
            "select parlant_internal.create_collection_tables(\n"
            "  parlant_internal.default_prefix('acme_', s.store), s.collection)\n"
            "from parlant_internal.store_collections() as s;\n\n"
            "select \"public\".parlant_create_views('acme_');\n\n"
            "notify pgrst, 'reload schema';\n"
            "reset statement_timeout;\n"
        )

    def test_that_they_are_in_the_schema_asked_for(self) -> None:
        *_, tables = wanted_migrations("sales", ["acme_"])

        assert tables.name == "_parlant_supabase_tables_acme__in_sales.sql"
        assert 'select "parlant_internal_sales".create_collection_tables(' in tables.text
        assert '  "parlant_internal_sales".default_prefix(' in tables.text
        assert 'from "parlant_internal_sales".store_collections()' in tables.text
        assert "select \"sales\".parlant_create_views('acme_');" in tables.text

    def test_that_they_come_after_the_installation_in_order(self) -> None:
        names = [each.name for each in wanted_migrations("public", ["b_", "a_"])]

        assert names == [
            FIRST.name,
            "_parlant_supabase_tables_b_.sql",
            "_parlant_supabase_tables_a_.sql",
        ]

    @pytest.mark.parametrize("prefix", ["a", "A9_", "p234567890123456789"])
    def test_that_a_usual_prefix_is_taken(self, prefix: str) -> None:
        assert f"'{prefix}'" in wanted_migrations("public", [prefix])[-1].text

    @pytest.mark.parametrize("prefix", ["", "a'b", "ä_", "1_", "_a", "p2345678901234567890", "a-"])
    def test_that_another_is_refused(self, tmp_path: Path, prefix: str) -> None:
        with pytest.raises(DeploymentError) as refused:
            add_migrations(tmp_path, None, [prefix])

        assert str(refused.value) == (
            f"{prefix!r} cannot be a prefix here: take at most 19 ASCII letters, digits and "
            "underscores, beginning with a letter. Tables under any other prefix are made when a "
            "store uses it first."
        )
        assert not (tmp_path / "supabase").exists()


class TestFolder:
    def test_that_the_folder_supabase_itself_is_not_taken_for_its_parent(
        self, tmp_path: Path
    ) -> None:
        folder = tmp_path / "supabase"
        folder.mkdir()
        (folder / "config.toml").touch()

        with pytest.raises(DeploymentError) as refused:
            add_migrations(folder, None, [])

        assert str(refused.value) == (
            f"{folder} is the folder `supabase` itself; name the folder that contains it."
        )
        assert [path.name for path in folder.iterdir()] == ["config.toml"]

    @pytest.mark.parametrize("name", ["supabase", "shop"])
    def test_that_a_folder_of_that_name_alone_is_any_folder(
        self, tmp_path: Path, name: str
    ) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / "shop").mkdir(exist_ok=True)
        (tmp_path / "shop" / "config.toml").touch()

        assert add_migrations(tmp_path / name, None, []).added

    def test_that_what_cannot_be_a_folder_is_one_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()

        with pytest.raises(DeploymentError) as refused:
            add_migrations(tmp_path / "file", None, [])

        path = tmp_path / "file" / "supabase"
        assert str(refused.value) == f"{path} cannot be used: Not a directory."

    def test_that_an_error_without_words_is_told_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*arguments: object, **options: object) -> None:
            raise OSError("strange")

        monkeypatch.setattr(Path, "mkdir", fail)

        with pytest.raises(DeploymentError) as refused:
            add_migrations(tmp_path, None, [])

        assert str(refused.value) == f"{tmp_path} cannot be used: strange."


class TestInterruption:
    def test_that_a_file_is_whole_or_not_there(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write_text = Path.write_text

        def be_killed(path: Path, text: str, **options: str) -> None:
            if ".sql" in path.name:
                write_text(path, text[: len(text) // 2])
                raise KeyboardInterrupt
            write_text(path, text)

        with monkeypatch.context() as killed:
            killed.setattr(Path, "write_text", be_killed)
            with pytest.raises(KeyboardInterrupt):
                add_migrations(tmp_path, None, [])
        # The CLI deploys every file whose name ends so.
        assert list((tmp_path / "supabase" / "migrations").glob("*.sql")) == []

        assert not add_migrations(tmp_path, None, []).made_configuration
        (file,) = (tmp_path / "supabase" / "migrations").glob("*.sql")
        assert file.read_text() == FIRST.text

    def test_that_nothing_unfinished_is_left(self, tmp_path: Path) -> None:
        add_migrations(tmp_path, None, ["acme_"])

        folder = tmp_path / "supabase"
        files = [file for file in folder.rglob("*") if file.is_file()]
        assert {file.suffix for file in files} == {".sql", ".toml"}
        assert not [file for file in files if file.name.startswith(".")]

    def test_that_lines_end_in_the_same_way_everywhere(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[dict[str, str]] = []
        write_text = Path.write_text

        def watch(path: Path, text: str, **options: str) -> None:
            seen.append(options)
            write_text(path, text, "utf-8")

        monkeypatch.setattr(Path, "write_text", watch)
        add_migrations(tmp_path, None, [])

        assert seen == [{"encoding": "utf-8", "newline": "\n"}] * 2
