"""What all commands have in common."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Run


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["init"],
        ["doctor"],
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


def test_that_the_shell_can_complete_commands(run: Run) -> None:
    result = run(
        _PARLANT_SUPABASE_COMPLETE="complete_bash",
        COMP_WORDS="parlant-supabase failed ",
        COMP_CWORD="2",
    )

    assert result.returncode == 0
    assert result.stdout.split() == ["list", "retry", "drop"]


def test_that_completion_can_be_installed(run: Run) -> None:
    assert "--install-completion" in run("--help").stdout
