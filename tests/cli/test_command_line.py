"""What all commands have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
from parlant_supabase import SQL_VERSION, __version__

from tests.cli.conftest import Run, assert_one_sentence


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["init"],
        ["doctor"],
        ["import"],
        ["export"],
        ["failed"],
        ["failed", "list"],
        ["failed", "retry"],
        ["failed", "drop"],
        ["local"],
    ],
)
def test_that_every_command_explains_itself(run: Run, arguments: list[str]) -> None:
    result = run(*arguments, "--help")

    assert result.returncode == 0
    assert f"Usage: parlant-supabase {' '.join(arguments)}".rstrip() in result.stdout


@pytest.mark.parametrize("arguments", [["nonsense"], ["failed", "list", "--limit", "x"]])
def test_that_wrong_usage_is_exit_code_2(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)

    assert result.returncode == 2
    assert result.stdout == ""
    assert "Usage: parlant-supabase" in result.stderr


MISTAKES: dict[str, tuple[tuple[str, ...], dict[str, str], str]] = {
    "no project": (("init", "file"), {}, "file/supabase cannot be used"),
    "a folder that cannot be made": (("init", "file/folder"), {}, "cannot be used"),
    "no schema": (("init", "--schema", "a b"), {}, "'a b' cannot be the schema"),
    "no prefix": (("init", "--prefix", "a-b"), {}, "'a-b' cannot be a prefix"),
    "a script and a folder": (("init", "--print", "folder"), {}, "so leave out the folder"),
    "no URL": (("failed", "list"), {}, "Set SUPABASE_URL;"),
    "no key": (("failed", "retry"), {"SUPABASE_URL": "http://127.0.0.1:1"}, "Set SUPABASE_KEY;"),
    "a wrong URL": (
        ("failed", "list"),
        {"SUPABASE_URL": "127.0.0.1", "SUPABASE_KEY": "sb_secret_0123"},
        "SUPABASE_URL is not a URL",
    ),
    "a key that is a URL": (
        ("failed", "drop", "--all", "--yes"),
        {"SUPABASE_URL": "http://127.0.0.1:1", "SUPABASE_KEY": "https://127.0.0.1"},
        "SUPABASE_KEY is a URL",
    ),
    "nothing to drop": (("failed", "drop"), {}, "or say --all"),
    "no stack": (("local", "env"), {}, "No local stack is running"),
    "no stack to stop": (("local", "stop"), {}, "There is no local stack"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_that_a_mistake_is_one_sentence(run: Run, tmp_path: Path, mistake: str) -> None:
    (tmp_path / "file").touch()
    arguments, variables, words = MISTAKES[mistake]

    assert_one_sentence(run(*arguments, **variables), words)


def test_that_the_versions_are_told(run: Run) -> None:
    result = run("--version")

    assert result.returncode == 0
    assert result.stdout == f"parlant-supabase {__version__}, SQL version {SQL_VERSION}\n"


@pytest.mark.parametrize(
    ("line", "completions"),
    [
        ("parlant-supabase ", {"init", "doctor", "failed", "local"}),
        ("parlant-supabase failed ", {"list", "retry", "drop"}),
        ("parlant-supabase local ", {"start", "env", "status", "stop"}),
        ("parlant-supabase failed drop --j", {"--json"}),
    ],
)
def test_that_the_shell_can_complete_commands(run: Run, line: str, completions: set[str]) -> None:
    result = run(
        _PARLANT_SUPABASE_COMPLETE="complete_bash",
        COMP_WORDS=line,
        COMP_CWORD=str(len(line.split(" ")) - 1),
    )

    assert result.returncode == 0
    # More commands may come.
    assert completions <= set(result.stdout.split())


def test_that_completion_can_be_installed(run: Run) -> None:
    assert "--install-completion" in run("--help").stdout
