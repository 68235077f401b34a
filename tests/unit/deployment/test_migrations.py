"""The package's migrations, as they are for `public` and rendered for another schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from parlant_supabase.deployment import migrations
from parlant_supabase.deployment.migrations import migrations_for, private_schema_of
from parlant_supabase.errors import ConfigurationError


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the package's migrations are in; two of them, and what is none."""
    folder = tmp_path / "supabase" / "migrations"
    folder.mkdir(parents=True)
    (folder / "2_second.sql").write_text("alter table public.things add column x 'ä';", "utf-8")
    (folder / "1_first.sql").write_text(
        "create schema parlant_internal;\n"
        "select public.f('public', 'public.things', \"public\", 'in public', republic.x);\n"
        "select parlant_internal.g('parlant_internal'), parlant_internals.h;\n",
        "utf-8",
    )
    (folder / "notes.md").touch()
    monkeypatch.setattr(migrations, "find_project", lambda: tmp_path)
    return folder


def test_that_those_for_public_are_the_files_in_order(files: Path) -> None:
    first, second = migrations_for()

    assert [first.name, second.name] == ["1_first.sql", "2_second.sql"]
    assert first.text == (files / "1_first.sql").read_text("utf-8")
    assert second.text == (files / "2_second.sql").read_text("utf-8")
    assert [*migrations_for("public")] == [first, second]


def test_that_they_are_read_as_utf_8_whatever_the_locale(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []

    def read_text(path: Path, encoding: str | None = None) -> str:
        seen.append(encoding and encoding.lower())
        return path.read_bytes().decode("utf-8")

    monkeypatch.setattr(Path, "read_text", read_text)

    assert len([*migrations_for()]) == 2
    assert seen == ["utf-8", "utf-8"]


def test_that_those_for_another_schema_name_it_and_make_it(files: Path) -> None:
    first, second = migrations_for("sales")

    assert [first.name, second.name] == ["1_first_in_sales.sql", "2_second_in_sales.sql"]
    assert first.text == (
        'create schema if not exists "sales";\n'
        'grant usage on schema "sales" to service_role;\n\n'
        "create schema parlant_internal_sales;\n"
        "select \"sales\".f('sales', '\"sales\".things', \"public\", 'in public', republic.x);\n"
        "select parlant_internal_sales.g('parlant_internal_sales'), parlant_internals.h;\n"
    )
    assert second.text == "alter table \"sales\".things add column x 'ä';"


@pytest.mark.parametrize("schema", ["sales", "_x", "a1", "order", "a" * 46])
def test_that_the_private_schema_is_named_for_the_schema(schema: str) -> None:
    assert private_schema_of(schema) == f"parlant_internal_{schema}"
    assert len(private_schema_of(schema)) <= 63


def test_that_public_has_the_plain_private_schema() -> None:
    assert private_schema_of("public") == "parlant_internal"


@pytest.mark.parametrize(
    "schema",
    ["", "1a", "Sales", "a-b", "ä", "pg_mine", "information_schema", "parlant_internal_x"],
)
def test_that_a_schema_that_cannot_be_one_is_refused(files: Path, schema: str) -> None:
    for use in (private_schema_of, lambda name: [*migrations_for(name)]):
        with pytest.raises(ConfigurationError) as refused:
            use(schema)
        assert str(refused.value) == (
            f"{schema!r} cannot be the schema of an installation. Take a name of the letters a to "
            "z, digits and _ that begins neither with a digit nor with pg_ or parlant_internal."
        )


def test_that_a_name_that_only_begins_so_is_taken() -> None:
    assert private_schema_of("information_schema_2") == "parlant_internal_information_schema_2"
    assert private_schema_of("pgx") == "parlant_internal_pgx"


def test_that_a_long_name_is_refused() -> None:
    with pytest.raises(ConfigurationError) as refused:
        private_schema_of("a" * 47)

    assert str(refused.value) == (
        f"{'a' * 47!r} is too long for the schema of an installation. "
        "Take a name of at most 46 characters."
    )
