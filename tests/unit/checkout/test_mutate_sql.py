"""The mutants of SQL functions, and what is said of those that no test notices."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.mutate_sql import (
    FUNCTIONS,
    Execution,
    InvalidMutantError,
    files_to_run,
    holds,
    report,
    try_all,
)
from scripts.sql_mutants import BREAKS, Mutant, mutants_of

SOURCE = """\
-- purpose: Says and does.
create or replace function public.parlant_example(p_id text)
returns text
language plpgsql
as $$
begin
  -- Waits for a lock and for update.
  perform pg_advisory_xact_lock(hashtext(
    p_id));
  if p_id is null then
    raise exception using hint = 'Give it or leave it.';
  end if;

  execute format('select %s from t where id >= $1 order by id limit 1 for update', p_id);
  return coalesce(p_id, format('%s', 'x') collate "C");
end;
$$;

revoke all on function public.parlant_example(text)
from public, anon, authenticated;
grant execute on function public.parlant_example(text) to service_role;
"""


@pytest.fixture
def mutants(tmp_path: Path) -> list[Mutant]:
    path = tmp_path / "parlant_example.sql"
    path.write_text(SOURCE)
    return mutants_of(path)


def test_that_each_place_is_broken_in_each_way(mutants: list[Mutant]) -> None:
    assert [(mutant.line, mutant.break_) for mutant in mutants] == [
        (8, "drop advisory lock"),
        (10, "never"),
        (10, "always"),
        (10, "null to not null"),
        (14, "drop row lock"),
        (14, "drop order"),
        (14, ">= to >"),
        (14, "move a bound"),
        (15, "drop coalesce"),
        (15, "drop collate"),
        (19, "drop revoke"),
        (19, "drop grant"),
    ]


@pytest.mark.parametrize(
    ("break_", "before", "after"),
    [
        (
            "drop advisory lock",
            "perform pg_advisory_xact_lock(hashtext(\n    p_id));",
            "perform 1;",
        ),
        ("never", "if p_id is null then", "if false then"),
        ("null to not null", "is null", "is not null"),
        ("drop row lock", " limit 1 for update", " limit 1"),
        ("drop order", " order by id limit", " limit"),
        (">= to >", ">=", ">"),
        ("drop coalesce", """coalesce(p_id, format('%s', 'x') collate "C")""", "(p_id)"),
        ("drop collate", ' collate "C"', ""),
    ],
)
def test_that_a_mutant_is_the_function_but_for_one_place(
    mutants: list[Mutant], break_: str, before: str, after: str
) -> None:
    (mutant,) = [mutant for mutant in mutants if mutant.break_ == break_]
    definition = SOURCE[SOURCE.index("create") : SOURCE.index("\n\nrevoke")]

    assert definition.count(before) == 1
    assert mutant.statement == definition.replace(before, after)


def test_that_privileges_are_broken_as_a_missing_statement_would(mutants: list[Mutant]) -> None:
    statements = {mutant.break_: mutant.statement for mutant in mutants}

    assert statements["drop revoke"] == (
        "grant execute on function public.parlant_example(text) to public, anon, authenticated"
    )
    assert statements["drop grant"] == (
        "revoke execute on function public.parlant_example(text) from service_role"
    )


@pytest.fixture(scope="module")
def all_mutants() -> list[Mutant]:
    """Those of the project's functions."""
    return [mutant for path in FUNCTIONS.rglob("*.sql") for mutant in mutants_of(path)]


def test_that_mutants_of_one_function_have_names_of_their_own(all_mutants: list[Mutant]) -> None:
    names = [mutant.name for mutant in all_mutants]

    assert len(names) == len(set(names))


def test_that_every_way_to_break_has_a_place(all_mutants: list[Mutant]) -> None:
    found = {mutant.break_ for mutant in all_mutants}

    assert BREAKS.keys() <= found


def test_that_files_that_execute_a_function_are_run_its_own_first_then_the_quickest(
    mutants: list[Mutant],
) -> None:
    executions = [
        Execution(Path("02-privileges.sql"), True, frozenset({"parlant_example"}), 1),
        Execution(Path("10-slow.sql"), True, frozenset({"parlant_example"}), 3),
        Execution(Path("11-quick.sql"), True, frozenset({"parlant_example"}), 2),
        Execution(Path("12-other.sql"), True, frozenset({"parlant_other"}), 1),
        Execution(Path("20-parlant_example.sql"), True, frozenset({"parlant_example"}), 9),
    ]

    def stems(mutant: Mutant) -> list[str]:
        return [file.stem for file in files_to_run(mutant, executions)]

    behaviour = ["20-parlant_example", "11-quick", "10-slow"]
    assert stems(mutants[0]) == [*behaviour, "02-privileges"]
    assert stems(mutants[-1]) == ["02-privileges", *behaviour]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("1..2\nok 1 - a\nok 2 - b", True),
        ("1..2\nok 1 - a\nnot ok 2 - b", False),
        ("1..2\nok 1 - a", False),
        ("ok 1 - a", False),
    ],
)
def test_that_a_file_holds_if_all_that_was_planned_does(output: str, expected: bool) -> None:
    assert holds(output) is expected


def test_that_survivors_are_told_and_those_that_are_listed_are_not(
    mutants: list[Mutant], capsys: pytest.CaptureFixture[str]
) -> None:
    noticed, unnoticed, invalid = mutants[:3]
    executions = [Execution(Path("20-x.sql"), True, frozenset({"parlant_example"}), 1)]

    def run(statement: str, file: Path) -> bool:
        if statement == invalid.statement:
            raise InvalidMutantError
        return statement == unnoticed.statement

    outcomes = try_all(mutants, executions, run)

    assert outcomes[noticed] == "killed by 20-x"
    assert outcomes[unnoticed] == "survived"
    assert outcomes[invalid] == "invalid"
    capsys.readouterr()
    assert report(outcomes, {}) == 1
    assert f"no reason is listed: {unnoticed.name}" in capsys.readouterr().out
    assert report(outcomes, {unnoticed.name: "It is the same."}) == 0
    assert "10 of 11 mutants killed; 1 are no SQL." in capsys.readouterr().out
    stale = {unnoticed.name: "It is the same.", noticed.name: "It was the same."}
    assert report(outcomes, stale) == 1
    assert f"does not survive: {noticed.name}" in capsys.readouterr().out


def test_that_too_many_listed_survivors_are_a_failure(mutants: list[Mutant]) -> None:
    outcomes = try_all(mutants, [], lambda *_: True)

    assert report(outcomes, {mutant.name: "Why not." for mutant in mutants}) == 1
