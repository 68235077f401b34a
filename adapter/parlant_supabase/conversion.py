"""Converts documents of older versions of Parlant, also where Parlant lacks a step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from parlant.adapters.db.transient import TransientDocumentDatabase
from parlant.core.common import Version
from parlant.core.persistence.document_database import BaseDocument
from parlant.core.sessions import SessionDocumentStore

Loader = Callable[[BaseDocument], Awaitable[Any]]

_EVENT_LOADER = "_event_document_loader"
_EVENTS_WITHOUT_STEP = "0.8.0"
_EVENTS_AFTER_STEP = Version.String("0.9.0")


class _SessionsOfParlant31(SessionDocumentStore):
    """Converts events up to the version that Parlant 3.1 wrote, and no further."""

    VERSION = Version.from_string(_EVENTS_WITHOUT_STEP)


async def convert(loader: Loader, document: BaseDocument) -> Any:
    """What a store's loader makes of a document; None if it rejects it.

    Parlant 3.2 and 3.3 cannot convert events of 0.8.0, which 3.1 wrote, nor any that are older:
    their loader raises at the missing step and discards the steps before it. That step changes
    nothing but the version. A Parlant that has the step is left to take it.

    Raises:
        Exception: Whatever the loader raises.
    """
    try:
        return await loader(document)
    except KeyError as error:
        if error.args != (_EVENTS_WITHOUT_STEP,) or not _loads_events(loader):
            raise
    before = _SessionsOfParlant31(TransientDocumentDatabase())
    converted = await getattr(before, _EVENT_LOADER)(document)
    converted["version"] = _EVENTS_AFTER_STEP
    return await loader(converted)


def _loads_events(loader: Loader) -> bool:
    store = getattr(loader, "__self__", None)
    return isinstance(store, SessionDocumentStore) and loader.__name__ == _EVENT_LOADER
