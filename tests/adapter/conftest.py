from __future__ import annotations

import pytest
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import SupabaseDocumentDatabase

from tests.adapter.notes import Notes


@pytest.fixture
async def notes(database: SupabaseDocumentDatabase) -> Notes:
    """An empty collection; its table is called `<prefix>notes`."""
    return await database.get_or_create_collection("notes", BaseDocument, identity_loader)
