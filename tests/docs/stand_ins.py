"""What is run instead of the commands that cannot run where the tests do."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class StandIn:
    """A kind of command, why it cannot run here, and the command that is run instead.

    `$CHECKOUT` and `$DATABASE_URL` are set for the command; what the pattern names can be used in
    it as in `re.sub`.
    """

    pattern: str
    reason: str
    command: str


STAND_INS = (
    StandIn(
        r"git clone <this repository> (?P<folder>\S+)",
        "It is the reader who knows where the repository is.",
        r'ln -s "$CHECKOUT" \g<folder>',
    ),
    StandIn(
        r"pip install (?P<folder>\./\S+|\"\./\S+\")",
        "It would fetch everything that Parlant needs, which takes minutes.",
        r"pip install --quiet --disable-pip-version-check --dry-run"
        r" --no-deps --no-build-isolation \g<folder>",
    ),
    StandIn(
        r"parlant-supabase import mongodb://\S+",
        "It needs a MongoDB server; tests/cli/test_import_mongodb.py has a stand-in for one.",
        r"parlant-supabase import --help",
    ),
    StandIn(
        r"SUPABASE_URL=https://source\S+ .* parlant-supabase export \| \\\n"
        r" +SUPABASE_URL=https://target\S+ .* parlant-supabase import -",
        "It needs two hosted projects.",
        r"parlant-supabase export | parlant-supabase import -",
    ),
    StandIn(
        r"npm install --save-dev supabase@(?P<version>\S+)",
        "It would fetch 135 MB, which the reader's folder has already.",
        r'test "$(npx supabase --version)" = \g<version>',
    ),
    StandIn(
        r"npx supabase link --project-ref \S+",
        "It needs an account with Supabase.",
        r"npx supabase link --help | grep --quiet -e --project-ref",
    ),
    StandIn(
        r"npx supabase db push --remote",
        "The folder is not linked to a hosted project, so the CLI has to be told the database.",
        r'npx supabase db push --remote="$DATABASE_URL" --yes',
    ),
    StandIn(
        r"make (?P<target>demo|test|bench)",
        "tests/programs and CI run them.",
        r'grep --quiet "^\g<target>:" "$CHECKOUT/Makefile"',
    ),
    StandIn(
        r"python my_agent\.py",
        "It needs a language model and runs until it is stopped.",
        r"python -m tests.docs.short_run my_agent.py",
    ),
    StandIn(
        r"export SUPABASE_(?:URL|KEY)=.*(?:your-project|…).*",
        "The test's own project is set already.",
        r'test -n "$SUPABASE_URL" -a -n "$SUPABASE_KEY"',
    ),
)


def stand_in_for(command: str) -> StandIn | None:
    """The stand-in for a command, if it cannot run here."""
    return next((each for each in STAND_INS if _match(each, command)), None)


def what_is_run_for(command: str) -> str:
    """The command itself, or what is run instead."""
    stand_in = stand_in_for(command)
    match = stand_in and _match(stand_in, command)
    return match.expand(stand_in.command) if stand_in and match else command


def _match(stand_in: StandIn, command: str) -> re.Match[str] | None:
    return re.fullmatch(stand_in.pattern + r"(?:\s+#.*)?", command)
