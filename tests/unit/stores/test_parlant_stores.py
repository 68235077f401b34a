"""What the installed Parlant's stores ask of a database."""

from __future__ import annotations

from parlant.core.context_variables import ContextVariableDocumentStore
from parlant.core.customers import CustomerDocumentStore
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import CollectionIndex
from parlant.core.sessions import SessionDocumentStore
from parlant_supabase.store_layout import CONTEXT_VARIABLES, CUSTOMERS, SESSIONS
from parlant_supabase.stores.parlant_stores import parlant_stores


async def test_that_each_store_has_its_layout_version_loaders_and_indexes() -> None:
    stores = await parlant_stores()

    assert [(each.layout, each.name, each.version) for each in stores] == [
        (SESSIONS, "SessionDocumentStore", SessionDocumentStore.VERSION.to_string()),
        (CUSTOMERS, "CustomerDocumentStore", CustomerDocumentStore.VERSION.to_string()),
        (
            CONTEXT_VARIABLES,
            "ContextVariableDocumentStore",
            ContextVariableDocumentStore.VERSION.to_string(),
        ),
    ]
    for store in stores:
        assert store.loaders.keys() == {"metadata", *store.layout.collections}
        assert store.indexes.keys() == store.loaders.keys()
    customers = stores[1]
    assert customers.indexes["customers"] == [CollectionIndex(fields=(("id", SortDirection.ASC),))]
    assert len(customers.indexes["customer_tag_associations"]) == 3


async def test_that_loaders_are_those_of_their_collection() -> None:
    sessions, customers, _ = await parlant_stores()

    assert sessions.loaders["events"].__name__ == "_event_document_loader"
    assert customers.loaders["customers"].__name__ == "_document_loader"
