from __future__ import annotations

import pytest
from parlant.core.persistence.document_database import (
    BaseDocument,
    DocumentCollection,
    identity_loader,
)
from parlant_supabase import SupabaseDocumentDatabase


@pytest.fixture
async def documents(database: SupabaseDocumentDatabase) -> DocumentCollection[BaseDocument]:
    return await database.get_or_create_collection("documents", BaseDocument, identity_loader)
