"""What every function and every table of ours has to have, in its file and in the database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from parlant_supabase.errors import ERRORS_BY_SQLSTATE
from psycopg.rows import dict_row

from sql.headers import SQL as SQL_DIRECTORY
from sql.headers import read_header

FUNCTIONS = SQL_DIRECTORY / "functions"
EXPECTED_API = Path(__file__).with_name("expected_api.txt")

SCHEMA_OF_FOLDER = {"api": "public", "internal": "parlant_internal"}


VIEWS = SQL_DIRECTORY / "views"
"""Each file there is a function that returns the definition of a view."""


def audience(path: Path) -> str:
    """The folder below sql/functions that a function is in."""
    return path.relative_to(FUNCTIONS).parts[0]


# Their callers are other functions of the owner, or a trigger.
NOT_FOR_SERVICE_ROLE = {
    "adopt_failed_table",
    "adopt_table",
    "apply_opt_ins",
    "derive_columns",
    "drop_views_on",
    "has_our_shape",
    "index_columns",
    "lock_down_table",
    "make_registered_tables",
    "make_views",
    "missing_grants",
    "opt_in",
    "require_own_table",
    "restore_collections",
    "restore_privileges",
    "set_aside_policies",
    "skip_registered_collection",
    "skip_registered_view_set",
}

# They change tables and views, which only their owner may.
SECURITY_DEFINER = {
    "create_collection_tables",
    "create_index",
    "create_views",
    "drop_collection_table",
}

# They may rewrite or index a table of any size, or write hundreds of documents.
LONG_RUNNING = {
    "parlant_adopt_collections",
    "parlant_count_documents",
    "parlant_create_collection",
    "parlant_ensure_indexes",
    "parlant_get_or_create_collection",
    "parlant_import_documents",
    "parlant_import_failed_documents",
    "parlant_open_cache",
    "parlant_open_store",
}

# Each call of a batch has a result of its own, whatever goes wrong in it.
CATCHING_EVERYTHING = {"parlant_execute"}


@dataclass(frozen=True)
class FunctionFile:
    """A file below sql/functions, taken apart."""

    path: Path
    text: str
    header: dict[str, str]
    """What the comment at the top says: {field: text}."""
    parameters: list[str]
    """Names, as in the signature."""
    attributes: str
    """What stands between the signature and the body."""
    body: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def schema(self) -> str:
        return SCHEMA_OF_FOLDER[audience(self.path)]

    @classmethod
    def read(cls, path: Path) -> FunctionFile:
        text = path.read_text("utf-8")
        header = read_header(path)
        definition = re.search(
            r"^create or replace function [\w.]+\((?P<parameters>.*?)\)\s*\nreturns "
            r"(?P<attributes>.*?)\nas \$\$\n(?P<body>.*?)^\$\$;\n",
            text,
            re.MULTILINE | re.DOTALL,
        )
        assert definition, f"{path} defines no function in the usual form."
        return cls(
            path,
            text,
            {name: header.line(name) for name in header.fields},
            re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"'[^']*'", "", definition["parameters"])),
            definition["attributes"],
            definition["body"],
        )


FILES = sorted(FUNCTIONS.rglob("*.sql"))

for_each_file = pytest.mark.parametrize(
    "file", [FunctionFile.read(path) for path in FILES], ids=[path.stem for path in FILES]
)


@dataclass(frozen=True)
class DeployedFunction:
    """A row of pg_proc."""

    schema: str
    name: str
    arguments: str
    argument_names: list[str]
    result: str
    volatility: str
    is_definer: bool
    is_strict: bool
    returns_set: bool
    settings: list[str]
    comment: str | None
    grantees: list[str]
    """Who may execute it, besides its owner."""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}({self.arguments})"


@pytest.fixture
def functions(deployed_sql: psycopg.Connection) -> list[DeployedFunction]:
    """Every deployed function of ours, by name."""
    query = """
        select
          p.pronamespace::regnamespace::text as schema,
          p.proname::text as name,
          pg_catalog.pg_get_function_arguments(p.oid) as arguments,
          coalesce(p.proargnames, '{}') as argument_names,
          pg_catalog.pg_get_function_result(p.oid) as result,
          case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end
            as volatility,
          p.prosecdef as is_definer,
          p.proisstrict as is_strict,
          p.proretset as returns_set,
          coalesce(p.proconfig, '{}') as settings,
          obj_description(p.oid, 'pg_proc') as comment,
          array(
            select case a.grantee when 0 then 'public' else a.grantee::regrole::text end
            from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
            where a.grantee <> p.proowner
            order by 1
          ) as grantees
        from pg_catalog.pg_proc as p
        where
          p.pronamespace = 'parlant_internal'::regnamespace
          or (p.pronamespace = 'public'::regnamespace and p.proname like 'parlant\\_%')
        order by p.pronamespace::regnamespace::text, p.proname
    """
    with deployed_sql.cursor(row_factory=dict_row) as cursor:
        return [DeployedFunction(**row) for row in cursor.execute(query.encode())]


# Files.


@for_each_file
def test_that_a_file_holds_one_function_of_its_name(file: FunctionFile) -> None:
    assert re.findall(r"create (?:or replace )?(?:function|procedure) ([\w.]+)", file.text) == [
        f"{file.schema}.{file.name}"
    ]


@for_each_file
def test_that_a_file_says_what_its_function_does(file: FunctionFile) -> None:
    fields = ["purpose", *file.parameters, "returns", "raises"]
    if file.schema == "public":
        fields.append("example")

    assert list(file.header) == fields
    assert all(file.header.values())


@for_each_file
def test_that_a_file_names_the_errors_that_its_function_raises(file: FunctionFile) -> None:
    raised = set(re.findall(r"errcode = '(\w+)'", file.body))
    raised |= {"55P03"} if "raise lock_not_available" in file.body else set()
    named = set(re.findall(r"\b(?:PD\d{3}|55P03)\b", file.header["raises"]))

    assert raised <= named <= {*ERRORS_BY_SQLSTATE, "55P03"}
    assert bool(named) != (file.header["raises"] == "nothing")


@for_each_file
def test_that_a_literal_means_the_same_whatever_standard_conforming_strings_is(
    file: FunctionFile,
) -> None:
    literals = re.findall(r"\w?'(?:[^']|'')*'", file.body)

    assert [each for each in literals if "\\" in each and each[0] not in "eE"] == []


@for_each_file
def test_that_a_file_states_what_postgres_would_assume(file: FunctionFile) -> None:
    lines = file.attributes.splitlines()[1:]

    assert lines[0] in ("language sql", "language plpgsql")
    assert lines[1] in ("immutable", "stable", "volatile")
    remaining = [line for line in lines[2:] if line != "parallel safe"]
    assert remaining[0] in ("security invoker", "security definer")
    assert remaining[1] == "set search_path = pg_catalog, pg_temp"


@for_each_file
def test_that_comment_and_grants_stand_beside_the_function(file: FunctionFile) -> None:
    name = re.escape(f"{file.schema}.{file.name}")

    assert re.search(
        rf"^\$\$;\n\ncomment on function\s+{name}\(.*"
        rf"^revoke all on function\s+{name}\([^)]*\)\s+from public, anon, authenticated\b",
        file.text,
        re.MULTILINE | re.DOTALL,
    )


@for_each_file
def test_that_a_function_keeps_to_codes_that_postgrest_hands_on(file: FunctionFile) -> None:
    # PostgREST before 16 repeats a request that ends with 40001 without end. The message of a PT
    # code goes into the status line of the reply.
    assert not re.search(r"\b40001\b|serialization_failure|'PT\w{3}'", file.text)
    for statement in re.findall(r"^\s*raise exception\b.*?;", file.body, re.MULTILINE | re.DOTALL):
        assert re.search(r"errcode = 'PD\d{3}',\s+message = ", statement), statement
        assert "hint = " in statement, statement


@for_each_file
def test_that_a_function_catches_only_what_it_names(file: FunctionFile) -> None:
    if file.name not in CATCHING_EVERYTHING:
        assert "when others" not in file.body


@for_each_file
def test_that_names_say_what_a_value_is(file: FunctionFile) -> None:
    assert all(name.startswith("p_") for name in file.parameters)
    declared = re.search(r"^declare\n(.*?)^begin\n", file.body, re.MULTILINE | re.DOTALL)
    variables = re.findall(r"^  (\w+) ", declared[1], re.MULTILINE) if declared else []
    assert all(name.startswith(("v_", "c_")) for name in variables)


# The database.


def test_that_the_deployed_functions_are_those_that_have_a_file(
    functions: list[DeployedFunction],
) -> None:
    files = sorted(
        [
            *((SCHEMA_OF_FOLDER[audience(path)], path.stem) for path in FILES),
            *(("parlant_internal", f"{path.stem}_definition") for path in VIEWS.glob("*.sql")),
        ]
    )

    # No function twice: PostgREST could not tell which one is meant.
    assert [(function.schema, function.name) for function in functions] == files


def test_that_a_function_finds_names_in_pg_catalog_first(
    functions: list[DeployedFunction],
) -> None:
    # With an empty path Postgres looks for types in pg_temp first.
    assert not [str(f) for f in functions if "search_path=pg_catalog, pg_temp" not in f.settings]


def test_that_a_function_that_works_on_whole_tables_gets_the_time(
    functions: list[DeployedFunction],
) -> None:
    # The API's own limit is 8 seconds.
    assert {f.name for f in functions if "statement_timeout=55s" in f.settings} == LONG_RUNNING


def test_that_a_function_has_a_comment(functions: list[DeployedFunction]) -> None:
    assert not [str(function) for function in functions if not function.comment]


def test_that_service_role_alone_may_execute_our_functions(
    functions: list[DeployedFunction],
) -> None:
    expected = {
        str(f): [] if f.name in NOT_FOR_SERVICE_ROLE else ["service_role"] for f in functions
    }

    assert {str(f): f.grantees for f in functions} == expected


def test_that_only_functions_that_change_tables_run_as_their_owner(
    functions: list[DeployedFunction],
) -> None:
    assert {f.name for f in functions if f.is_definer} == SECURITY_DEFINER


def test_that_an_api_function_returns_one_object(functions: list[DeployedFunction]) -> None:
    api = [function for function in functions if function.schema == "public"]

    assert api
    for function in api:
        assert function.result == "jsonb", function
        assert not function.returns_set, function
        # A null argument would be answered with null, and the function not even called.
        assert not function.is_strict, function


def test_that_the_api_is_the_one_that_was_agreed_on(
    functions: list[DeployedFunction], tmp_path: Path
) -> None:
    actual = "".join(
        f"{f.name}({f.arguments})\n"
        f"  {f.volatility}, security {'definer' if f.is_definer else 'invoker'},"
        f" executed by {', '.join(f.grantees)}\n"
        for f in functions
        if f.schema == "public"
    )
    proposal = tmp_path / EXPECTED_API.name
    proposal.write_text(actual, "utf-8")

    assert actual == EXPECTED_API.read_text("utf-8"), (
        "What the adapter and others can call has changed. If that is meant, say in CHANGELOG.md "
        "whether callers of before still work, and accept it with\n"
        f"  cp {proposal} {EXPECTED_API}"
    )


@pytest.fixture
def tables(deployed_sql: psycopg.Connection) -> list[str]:
    """Every table of ours, those of a collection of the user's own included."""
    deployed_sql.execute("select public.parlant_get_or_create_collection('own_', 'notes')")
    query = """
        select format('public.%I', t.name)
        from parlant_internal.collections as c
        cross join lateral (values (c.table_name), (c.failed_table_name)) as t (name)
        union all
        select format('parlant_internal.%I', c.relname)
        from pg_catalog.pg_class as c
        where c.relnamespace = 'parlant_internal'::regnamespace and c.relkind = 'r'
    """
    return [name for (name,) in deployed_sql.execute(query.encode())]


def test_that_every_table_has_row_level_security(
    deployed_sql: psycopg.Connection, tables: list[str]
) -> None:
    query = b"select relrowsecurity from pg_catalog.pg_class where oid = %s::text::regclass"

    assert "public.own_notes_failed_migrations" in tables
    assert not [t for t in tables if deployed_sql.execute(query, (t,)).fetchone() != (True,)]


def test_that_every_table_is_granted_to_service_role_at_most(
    deployed_sql: psycopg.Connection, tables: list[str]
) -> None:
    query = b"""
        select coalesce(array_agg(distinct a.grantee::regrole::text), '{}')
        from pg_catalog.pg_class as c
        left join pg_catalog.pg_depend as d
          on d.refobjid = c.oid and d.classid = 'pg_catalog.pg_class'::regclass
        inner join pg_catalog.pg_class as r
          on r.oid in (c.oid, d.objid) and r.relkind in ('r', 'S')
        cross join lateral aclexplode(r.relacl) as a
        where c.oid = %s::text::regclass and a.grantee <> r.relowner
    """
    grantees = {table: deployed_sql.execute(query, (table,)).fetchone() for table in tables}

    assert not {t: g for t, g in grantees.items() if g not in (([],), (["service_role"],))}
