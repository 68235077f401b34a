"""What the pages' sentences name, between backticks, exists."""

from __future__ import annotations

import re
import shlex

import parlant_supabase
import pytest
import typer
from parlant_supabase.cli.app import app
from typer.core import TyperGroup

from tests.checkout import CHECKOUT
from tests.docs.pages import code_spans_of, page_names

SPANS = [(page, span) for page in page_names() for span in code_spans_of(page)]
COMMANDS = [(page, span) for page, span in SPANS if span.startswith("parlant-supabase ")]
TARGETS = [(page, span) for page, span in SPANS if re.match(r"make \w", span)]


@pytest.mark.parametrize(("page", "span"), COMMANDS)
def test_that_a_command_and_its_options_exist(page: str, span: str) -> None:
    command = typer.main.get_command(app)
    for word in shlex.split(span)[1:]:
        if isinstance(command, TyperGroup) and not word.startswith("-"):
            # Commands are imported when they are asked for.
            found = command.get_command(typer.Context(command), word)
            assert found is not None, f"{page}: {span}"
            command = found
        elif word.startswith("--"):
            options = [name for parameter in command.params for name in parameter.opts]
            assert word in options, f"{page}: {span}"


@pytest.mark.parametrize(("page", "span"), TARGETS)
def test_that_a_target_of_make_exists(page: str, span: str) -> None:
    makefile = (CHECKOUT / "Makefile").read_text()

    assert re.search(rf"^{span.split()[1]}:", makefile, flags=re.MULTILINE), f"{page}: {span}"


@pytest.mark.parametrize("page", page_names())
def test_that_an_error_that_is_named_exists(page: str) -> None:
    named = {span for span in code_spans_of(page) if re.fullmatch(r"[A-Z]\w+Error", span)}

    assert named <= set(parlant_supabase.__all__)
