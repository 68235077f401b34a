"""What README, CONTRIBUTING and the pages in docs/ show can be done, with the outcome they show."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from parlant.core.loggers import Logger
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import StackDatabase, background
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.packages import find_programs
from parlant_supabase.local.supervision import is_running

from tests.checkout import CHECKOUT
from tests.conftest import MakeEmptyDatabase
from tests.docs.pages import Block, blocks_of, page_names
from tests.docs.reader import Reader
from tests.docs.shell import Shell, commands_of
from tests.docs.shown_output import matches
from tests.docs.stand_ins import STAND_INS, stand_in_for

# Made from the files below sql/, whose examples are run there.
RUN_ELSEWHERE = {"docs/sql-reference.md": "tests/database/test_reference.py"}

PAGES = [page for page in page_names() if blocks_of(page) and page not in RUN_ELSEWHERE]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user of the machine may enter, and no stack runs in it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="parlant-docs-"))
    folder.chmod(0o755)
    yield folder
    for lock in folder.rglob("supervisor.lock"):
        if is_running(lock.parent):
            background.stop(DataDirectory(lock.parent))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def project(make_empty_database: MakeEmptyDatabase, blocks: list[Block]) -> StackDatabase:
    """What the page takes for the reader's project: empty if it deploys, else deployed to."""
    database = make_empty_database()
    if not any(command.startswith("npx supabase db push") for command in commands_in(blocks)):
        database.deploy(find_project())
    return database


@pytest.fixture
def blocks(page: str) -> list[Block]:
    return blocks_of(page)


@pytest.fixture
async def reader(
    folder: Path, project: StackDatabase, logger: Logger, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Reader]:
    variables = {"SUPABASE_URL": project.url, "SUPABASE_KEY": project.service_role_key}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    # Parlant makes this folder when it is imported.
    monkeypatch.setenv("PARLANT_HOME", str(folder / "parlant-data"))
    shell = Shell(folder, {**variables, "DATABASE_URL": project.database_url})
    (shell.directory / "node_modules").symlink_to(installed_packages())
    async with AsyncExitStack() as exits:
        yield Reader(shell, project, logger, exits)


def installed_packages() -> Path:
    """The folder node_modules that has the Supabase CLI."""
    program = Path(find_programs().supabase[-1])
    return next(path for path in program.parents if path.name == "node_modules")


def commands_in(blocks: list[Block]) -> list[str]:
    return [
        command.text
        for block in blocks
        if block.language == "console"
        for command in commands_of(block)
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES)
async def test_that_what_the_page_shows_is_so(reader: Reader, blocks: list[Block]) -> None:
    for block in blocks:
        await reader.do(block)


def test_that_what_is_run_elsewhere_is_run() -> None:
    for page, test in RUN_ELSEWHERE.items():
        assert not (CHECKOUT / page).exists() or (CHECKOUT / test).exists()


def test_that_every_stand_in_is_needed() -> None:
    commands = [command for page in PAGES for command in commands_in(blocks_of(page))]
    used = [stand_in_for(command) for command in commands]

    assert [each.pattern for each in STAND_INS if each not in used] == []


def test_that_ci_runs_what_the_readme_says_it_does() -> None:
    targets = re.findall(r"^(\w+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE)

    assert {"demo", "test"} <= set(targets)
    assert "exec make test" in (CHECKOUT / ".ci" / "run").read_text()


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("one\ntwo", "one  \ntwo\n"),
        ("it took … s", "it took 1.25 s"),
        ("first\n…\nlast", "first\n\nsecond\nthird\nlast"),
        ("…\nlast", "first\nlast"),
    ],
)
def test_that_output_may_be_shown_with_placeholders(shown: str, printed: str) -> None:
    assert matches(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("one", "one\ntwo"),
        ("first\n…\nlast", "first\nlast but one"),
        ("a.b", "axb"),
        ("it took … s", "it took\n1 s"),
    ],
)
def test_that_other_output_is_noticed(shown: str, printed: str) -> None:
    assert not matches(shown, printed)
