"""Opening a store says in a sentence what the installed Parlant lacks."""

from __future__ import annotations

import ast
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import parlant.core.sessions
import parlant_supabase
import pytest
from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import IdGenerator
from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.sessions import SessionDocumentStore
from parlant_supabase import VersionMismatchError, parlant_internals
from parlant_supabase.parlant_internals import (
    _NAMES,
    check_parlant,
    evaluation_caches,
    evaluator_class,
    keep_order_of_steps,
    remove_lock,
    replace_evaluation_cache,
)

from tests.unit.stores.fake_rpc import store_of

PACKAGE = Path(parlant_supabase.__file__).parent

GONE = (
    *_NAMES,
    "parlant.core.common:generate_id",
    "parlant.core.common:md5_checksum",
    "parlant.core.sessions:_EventDocument",
    "parlant.core.sessions:_SessionDocument",
)
"""What the package uses, and what its stores used once."""


def test_that_the_installed_parlant_has_everything() -> None:
    for store in (SessionDocumentStore, CustomerDocumentStore, ContextVariableDocumentStore):
        check_parlant(store_of(store))


@pytest.mark.parametrize("name", _NAMES)
def test_that_a_name_that_is_gone_is_told(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = name.partition(":")[2]
    monkeypatch.delattr(name.replace(":", "."))

    with pytest.raises(VersionMismatchError) as caught:
        check_parlant()

    assert str(caught.value) == (
        f"opening the stores: the installed Parlant {version('parlant')} lacks {path}. This "
        "release of parlant-supabase works with Parlant 3.3: run `pip install 'parlant~=3.3.0'`, "
        "or `pip install --upgrade parlant-supabase` for a release that works with later ones."
    )


@pytest.mark.parametrize(
    "store", [SessionDocumentStore, CustomerDocumentStore, ContextVariableDocumentStore]
)
async def test_that_a_store_without_a_lock_is_not_opened(store: type) -> None:
    ours = store_of(store)
    del ours._lock

    with pytest.raises(VersionMismatchError, match=rf"lacks {type(ours).__name__}\._lock\. This"):
        await ours.__aenter__()


def test_that_all_that_is_missing_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("parlant.core.tracer.LocalTracer")
    monkeypatch.delattr("parlant.core.customers.CustomerDocumentStore._serialize_customer")

    with pytest.raises(VersionMismatchError) as caught:
        check_parlant()

    assert "lacks CustomerDocumentStore._serialize_customer, LocalTracer." in str(caught.value)


def test_that_the_package_can_be_imported_without_any_of_the_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in GONE:
        monkeypatch.delattr(name.replace(":", "."))

    # A second package, as a process that starts then would have; the first comes back afterwards.
    with patch.dict(sys.modules):
        for module in [each for each in sys.modules if each.partition(".")[0] == PACKAGE.name]:
            del sys.modules[module]
        package = import_module("parlant_supabase")
        stores = import_module("parlant_supabase.stores")

        assert package is not parlant_supabase
        with pytest.raises(package.VersionMismatchError) as caught:
            stores.supabase_stores({"url": "http://127.0.0.1:1", "key": "k"})

    assert str(caught.value).startswith("opening the stores: the installed Parlant ")
    assert str(caught.value).count(",") >= len(_NAMES) - 1


class Step:
    """A step of a journey, as Parlant makes a guideline of it."""

    def __init__(self, id: str, *follow_ups: str) -> None:
        self.id = id
        self.metadata = {"journey_node": {"follow_ups": list(follow_ups)}}


class Projection:
    """Has follow-ups in the order of a set."""

    async def project_journey_to_guidelines(self, journey_id: str) -> list[Step]:
        return [Step("b", "c", "x", "a"), Step("a"), Step("c", "b")]


class ReachableNodes:
    """Has cycles in the order of a set."""

    def _find_cycles(self, graph: object) -> list[list[str]]:
        return [["2", "3"], ["1", "4"]]


@pytest.fixture
def journeys(monkeypatch: pytest.MonkeyPatch) -> dict[type, object]:
    """Parlant's classes, and an object of each."""
    known = {
        parlant_internals._FOLLOW_UPS: Projection.project_journey_to_guidelines,
        parlant_internals._FOLLOW_UPS.rpartition(".")[0]: Projection,
        parlant_internals._CYCLES: ReachableNodes._find_cycles,
        parlant_internals._CYCLES.rpartition(".")[0]: ReachableNodes,
    }
    monkeypatch.setattr(parlant_internals, "_found", known.get)
    return {Projection: Projection(), ReachableNodes: ReachableNodes()}


async def test_that_steps_and_cycles_are_in_one_order(journeys: dict[type, Any]) -> None:
    assert keep_order_of_steps(journeys) == []

    steps = await journeys[Projection].project_journey_to_guidelines("journey")
    assert [(step.id, step.metadata["journey_node"]["follow_ups"]) for step in steps] == [
        ("b", ["a", "c", "x"]),
        ("a", []),
        ("c", ["b"]),
    ]
    assert journeys[ReachableNodes]._find_cycles({}) == [["1", "4"], ["2", "3"]]


def test_that_what_orders_steps_may_be_missing(journeys: dict[type, Any]) -> None:
    del journeys[Projection]

    assert keep_order_of_steps(journeys) == [
        "JourneyGuidelineProjection.project_journey_to_guidelines"
    ]


def test_that_the_evaluators_caches_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    evaluator = SimpleNamespace(_guideline_collection=1, _journey_collection=2)
    server = SimpleNamespace(current=SimpleNamespace(_evaluator=evaluator))
    monkeypatch.setitem(sys.modules, "parlant.sdk", SimpleNamespace(Server=server))

    assert evaluation_caches() == {"_guideline_collection": 1, "_journey_collection": 2}
    replace_evaluation_cache("_guideline_collection", 3)
    assert evaluator._guideline_collection == 3
    del evaluator._journey_collection
    assert evaluation_caches() is None
    del server.current._evaluator
    assert evaluation_caches() is None


def test_that_the_evaluator_may_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parlant_internals, "_EVALUATOR", "parlant.core.rules:RuleEvaluator")

    assert evaluator_class() is None


async def test_that_calls_of_a_store_do_not_wait_for_one_another() -> None:
    store = store_of(CustomerDocumentStore)
    remove_lock(store)

    async with store._lock.writer_lock, store._lock.writer_lock, store._lock.reader_lock:
        pass


INTERNALS = PACKAGE / "parlant_internals.py"
# Read, not imported: that takes longer than all other unit tests.
SDK = Path(parlant.core.sessions.__file__).parent.parent / "sdk.py"

# What Parlant's stores read documents with, in methods that are inherited, too.
OVERRIDDEN = {
    "_deserialize_context_variable_value",
    "_deserialize_event",
    "_deserialize_session",
}

# In the signatures of the interfaces that this package implements, besides what parlant.sdk has.
INTERFACES = {
    "parlant.core.common": {"UniqueId"},
    "parlant.core.context_variables": {
        "ContextVariableUpdateParams",
        "ContextVariableValue",
        "ContextVariableValueId",
    },
    "parlant.core.customers": {"CustomerListing", "CustomerUpdateParams"},
    "parlant.core.meter": {"Counter", "DurationHistogram", "Histogram"},
    "parlant.core.nlp.generation_info": {"GenerationInfo", "UsageInfo"},
    "parlant.core.persistence.common": {"Cursor", "SortDirection", "Where"},
    "parlant.core.persistence.document_database": {
        "BaseDocument",
        "CollectionIndex",
        "CollectionSort",
        "DeleteResult",
        "DocumentCollection",
        "FindResult",
        "InsertResult",
        "TDocument",
        "UpdateResult",
    },
    "parlant.core.sessions": {
        "EventId",
        "EventUpdateParams",
        "Session",
        "SessionListener",
        "SessionListing",
        "SessionUpdateParams",
    },
}


def names_used_of_parlant(file: Path) -> set[tuple[str, str]]:
    """What a module imports from Parlant."""
    return {
        (node.module, alias.name)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("parlant.")
        for alias in node.names
        if node.module is not None
    }


def test_that_all_other_modules_use_what_parlant_documents() -> None:
    used = {
        (module, name)
        for file in PACKAGE.rglob("*.py")
        if file != INTERNALS
        for module, name in names_used_of_parlant(file)
    }

    documented = names_used_of_parlant(SDK)
    assert {
        (module, name)
        for module, name in used - documented
        if name not in INTERFACES.get(module, ())
    } == set()
    assert len(used) > 30


def test_that_the_stores_use_no_private_attribute_of_parlants() -> None:
    theirs = {
        name
        for store in (
            SessionDocumentStore(TransientDocumentDatabase()),
            CustomerDocumentStore(IdGenerator(), TransientDocumentDatabase()),
            ContextVariableDocumentStore(IdGenerator(), TransientDocumentDatabase()),
        )
        for name in dir(store)
        if name.startswith("_") and not name.startswith("__") and name != "_abc_impl"
    }

    assert "_serialize_event" in theirs
    for file in (PACKAGE / "stores").glob("*store.py"):
        attributes = {
            node.attr
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.Attribute)
        }
        assert attributes & theirs <= OVERRIDDEN, file.name
