"""Breaks the functions below sql/ one at a time, and shows what no pgTAP file notices.

    python scripts/mutate_sql.py 'parlant_update_*' lock_document

A mutant takes the place of a function inside the transaction of a pgTAP file, which is rolled back,
so one stack and one database serve them all. Mutants that survive for a reason are listed with it
in sql_survivors.json; any other survivor, or an entry that no longer survives, is a failure.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import TypeAlias

import psycopg
from parlant_supabase.local import LocalStack, SupervisedDatabase

CHECKOUT = Path(__file__).resolve().parent.parent
if str(CHECKOUT) not in sys.path:
    sys.path.insert(0, str(CHECKOUT))

from scripts.sql_mutants import Mutant, mutants_of  # noqa: E402
from sql.generate_migration import MIGRATIONS  # noqa: E402

FUNCTIONS = CHECKOUT / "sql" / "functions"
PGTAP = CHECKOUT / "supabase" / "tests" / "database"
SURVIVORS = Path(__file__).with_name("sql_survivors.json")
SHARE = 0.9
"""Of the mutants that Postgres accepts, at least this share must be noticed."""

# A mutant that never ends is noticed. On a busy machine the slowest file takes ten seconds.
_OPTIONS = "-c statement_timeout=60s -c client_min_messages=error"
_BEGIN = re.compile(r"^begin;$", re.M)
_PLAN = re.compile(r"^1\.\.(\d+)$", re.M)
_EXECUTED = """
select string_agg(s.funcname, ' ') from pg_catalog.pg_stat_xact_user_functions as s
where s.schemaname in ('public', 'parlant_internal') and s.calls > 0
"""


Run: TypeAlias = Callable[[str, Path], bool]
"""Runs a pgTAP file with a mutant in place; says whether everything in it holds."""


@dataclass(frozen=True)
class Execution:
    """What a pgTAP file does while nothing is broken.

    Attributes:
        file: The file.
        holds: Whether everything in it holds.
        functions: The names of our functions that it executes.
        seconds: How long it takes.
    """

    file: Path
    holds: bool
    functions: frozenset[str]
    seconds: float


class InvalidMutantError(Exception):
    """Postgres does not accept the function."""


def main(arguments: Sequence[str]) -> int:
    """Tries the mutants of the functions whose names match, or of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("functions", nargs="*", default=["*"], help="names or patterns")
    parser.add_argument("--jobs", type=int, default=1, help="how many at once")
    options = parser.parse_args(arguments)

    os.nice(19)
    paths = sorted(FUNCTIONS.rglob("*.sql"), key=lambda path: path.stem)
    chosen = [
        path for path in paths if any(fnmatch.fnmatch(path.stem, p) for p in options.functions)
    ]
    mutants = [mutant for path in chosen for mutant in mutants_of(path)]
    with LocalStack.temporary() as stack:
        run = PgtapRun([make_database(stack, number) for number in range(options.jobs)])
        executions = run.without_mutant(sorted(PGTAP.glob("*.sql")))
        require_baseline(executions)
        outcomes = try_all(mutants, executions, run, options.jobs)
    expected: dict[str, str] = json.loads(SURVIVORS.read_text("utf-8"))
    return report(outcomes, expected)


def files_to_run(mutant: Mutant, executions: Iterable[Execution]) -> list[Path]:
    """The pgTAP files that execute a mutant's function: its own first, then the quickest."""
    own = mutant.function.removeprefix("parlant_")
    chosen = [
        (not execution.file.stem.endswith(own), execution.seconds, execution.file)
        for execution in executions
        if mutant.function in execution.functions and "privileges" not in execution.file.stem
    ]
    files = [file for *_, file in sorted(chosen)]
    # Who may call which function stands in the file on privileges.
    privileges = [e.file for e in executions if "privileges" in e.file.stem]
    return [*privileges, *files] if mutant.concerns_privileges else [*files, *privileges]


def make_database(stack: LocalStack, number: int) -> SupervisedDatabase:
    """Makes a database with the migrations and pgTAP."""
    database = stack.create_database(f"mutants_{number}")
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        for migration in sorted(MIGRATIONS.glob("*.sql")):
            connection.execute(migration.read_bytes())
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("create extension pgtap with schema extensions")
        connection.execute("alter role postgres set track_functions = 'all'")
    return database


class PgtapRun:
    """Runs pgTAP files, as many at once as there are databases."""

    def __init__(self, databases: Sequence[SupervisedDatabase]) -> None:
        self._first = databases[0]
        self._free: Queue[SupervisedDatabase] = Queue()
        for database in databases:
            self._free.put(database)

    def without_mutant(self, files: Iterable[Path]) -> list[Execution]:
        """Runs files one after the other while nothing is broken."""
        return [execution_of(self._first.database_url, file) for file in files]

    def __call__(self, statement: str, file: Path) -> bool:
        """Raises InvalidMutantError if Postgres does not accept the statement."""
        database = self._free.get()
        try:
            return run_file(database.database_url, statement, file)
        finally:
            self._free.put(database)


def run_file(url: str, statement: str, file: Path) -> bool:
    """Runs a pgTAP file after a statement, in its transaction; says whether all of it holds."""
    with psycopg.connect(url, autocommit=True, options=_OPTIONS) as connection:
        try:
            connection.execute(f"begin; {statement}; rollback".encode())
        except psycopg.Error as error:
            raise InvalidMutantError from error
        script = _BEGIN.sub(lambda match: f"{match[0]} {statement};", file.read_text("utf-8"), 1)
        try:
            return holds(output_of(connection, script))
        except psycopg.Error:
            return False


def execution_of(url: str, file: Path) -> Execution:
    """Runs a pgTAP file, and asks which functions it has executed before it is rolled back."""
    body, end, _ = file.read_text("utf-8").rpartition("rollback;")
    started = time.monotonic()
    with psycopg.connect(url, autocommit=True, options=_OPTIONS) as connection:
        try:
            output = output_of(connection, body)
            seconds = time.monotonic() - started
            (names,) = connection.execute(_EXECUTED).fetchone() or (None,)
        except psycopg.Error:
            return Execution(file, False, frozenset(), time.monotonic() - started)
        finally:
            # Else the connection commits what the file has done when it is closed.
            connection.rollback()
    return Execution(file, bool(end) and holds(output), frozenset((names or "").split()), seconds)


def output_of(connection: psycopg.Connection, script: str) -> str:
    """What psql would print of the rows of a script's statements."""
    rows: list[str] = []
    cursor = connection.execute(script.encode())
    while True:
        if cursor.description is not None:
            rows += [str(row[0]) for row in cursor.fetchall()]
        if not cursor.nextset():
            return "\n".join(rows)


def holds(output: str) -> bool:
    """Whether pgTAP's output tells of as many assertions as were planned, all of which hold."""
    plans = _PLAN.findall(output)
    results = re.findall(r"^(not )?ok\b", output, re.M)
    return plans == [str(len(results))] and not any(results)


def require_baseline(executions: Iterable[Execution]) -> None:
    """Ends the program if a file fails though nothing is broken."""
    failing = [execution.file.name for execution in executions if not execution.holds]
    if failing:
        raise SystemExit(f"These fail though nothing is broken: {', '.join(failing)}.")


def try_all(
    mutants: Iterable[Mutant], executions: Sequence[Execution], run: Run, jobs: int = 1
) -> dict[Mutant, str]:
    """What became of each mutant: `killed by <file>`, `survived` or `invalid`."""

    def try_one(mutant: Mutant) -> tuple[Mutant, str]:
        try:
            for file in files_to_run(mutant, executions):
                if not run(mutant.statement, file):
                    return mutant, f"killed by {file.stem}"
        except InvalidMutantError:
            return mutant, "invalid"
        print(f"survived: {mutant.name} (line {mutant.line})", flush=True)
        return mutant, "survived"

    with ThreadPoolExecutor(jobs) as pool:
        return dict(pool.map(try_one, mutants))


def report(outcomes: Mapping[Mutant, str], expected: Mapping[str, str]) -> int:
    """Prints what is to be looked at; returns 1 if there is such a thing."""
    tried = {mutant.name: outcome for mutant, outcome in outcomes.items() if outcome != "invalid"}
    survived = {name for name, outcome in tried.items() if outcome == "survived"}
    functions = {mutant.function for mutant in outcomes}
    listed = {name for name in expected if name.partition(":")[0] in functions}
    for name in sorted(survived - listed):
        print(f"no test notices, and no reason is listed: {name}")
    for name in sorted(listed - survived):
        print(f"listed, and does not survive: {name}")
    killed = len(tried) - len(survived)
    print(f"{killed} of {len(tried)} mutants killed; {len(outcomes) - len(tried)} are no SQL.")
    enough = killed >= SHARE * len(tried)
    return 0 if survived == listed and enough else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
