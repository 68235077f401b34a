"""Every public name is exported in one place, documented, and typed throughout."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, get_type_hints

import parlant_supabase
import pytest
from parlant.adapters.db import supabase_db
from parlant_supabase import SupabaseAdapterError, SupabaseDocumentCollection
from parlant_supabase.local import StackDatabase

MODULES = [
    importlib.import_module(name)
    for name in ("parlant_supabase", "parlant_supabase.stores", "parlant_supabase.local")
]
CONSTANTS = {"SQL_VERSION", "__version__"}
THINGS = {
    name: getattr(module, name)
    for module in MODULES
    for name in module.__all__
    if name not in CONSTANTS
}
# Raised and handed out by the adapter, not made by its user.
NOT_CONSTRUCTED = (SupabaseAdapterError, SupabaseDocumentCollection, StackDatabase)


def methods_of(name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public methods of a class that are ours, and its constructor if a user calls it."""
    for method_name, method in vars(THINGS[name]).items():
        if inspect.isfunction(method) and (
            not method_name.startswith("_")
            or (method_name == "__init__" and not issubclass(THINGS[name], NOT_CONSTRUCTED))
        ):
            yield method_name, method


def callables() -> Iterator[tuple[str, Callable[..., Any], str]]:
    """Name, function and docstring of everything that a user may call."""
    for name, thing in THINGS.items():
        if inspect.isfunction(thing):
            yield name, thing, inspect.getdoc(thing) or ""
        elif inspect.isclass(thing):
            for method_name, method in methods_of(name):
                documented = thing if method_name == "__init__" else method
                yield f"{name}.{method_name}", method, inspect.getdoc(documented) or ""


CALLABLES = [pytest.param(*each, id=each[0]) for each in callables()]


def section(docstring: str, heading: str) -> list[str]:
    """The names in a section of a docstring, such as its arguments."""
    match = re.search(rf"^{heading}:\n((?:[ ]+.*\n?|\n)*)", docstring, re.MULTILINE)
    return re.findall(r"^    (\w+):", match[1], re.MULTILINE) if match else []


def test_that_every_name_is_exported_once() -> None:
    names = [name for module in MODULES for name in module.__all__]

    assert sorted(names) == sorted(set(names))
    assert len({id(thing) for thing in THINGS.values()}) == len(THINGS)


def test_that_parlants_path_hands_on_what_is_exported_elsewhere() -> None:
    for name in supabase_db.__all__:
        assert getattr(supabase_db, name) is getattr(parlant_supabase, name)


@pytest.mark.parametrize("name", THINGS)
def test_that_a_public_name_is_documented(name: str) -> None:
    first_line = (THINGS[name].__doc__ or "").partition("\n")[0]

    assert re.match(r"[A-Z`].*[.:]$", first_line)


@pytest.mark.parametrize(("name", "function", "docstring"), CALLABLES)
def test_that_what_can_be_called_is_typed_and_its_arguments_are_documented(
    name: str, function: Callable[..., Any], docstring: str
) -> None:
    parameters = list(inspect.signature(function).parameters)[1 if "." in name else 0 :]
    documented = section(docstring, "Args")

    assert get_type_hints(function).keys() == {*parameters, "return"}
    # A method's are documented by the interface, or its one line says it; but not some of them.
    if documented or name.endswith("__init__") or "." not in name:
        assert documented == parameters


@pytest.mark.parametrize(("name", "function", "docstring"), CALLABLES)
def test_that_the_errors_that_are_documented_can_be_imported(
    name: str, function: Callable[..., Any], docstring: str
) -> None:
    parlants = {"MigrationRequired", "ServerOutdated"}

    assert set(section(docstring, "Raises")) <= THINGS.keys() | parlants
