"""Ids for what the stores create, the same in every version of Parlant."""

from __future__ import annotations

import base64
import hashlib
import secrets
import string
from collections import Counter

from parlant.core.common import IdGenerator, UniqueId
from typing_extensions import override

from parlant_supabase.errors import DuplicateDocumentError
from parlant_supabase.rpc.encoding import storable_text

MAX_ID_ATTEMPTS = 10
"""How many ids a store tries before it gives up; each call of a generator gives another."""

_ALPHABET = string.digits + string.ascii_letters
_LENGTH = 10


class RandomIdGenerator(IdGenerator):
    """Ids that say nothing of what they identify.

    Parlant's own generator derives an id from the content and from how often the running process
    has seen that content, so the second person called Ann gets the id of the first if the
    application was restarted in between.
    """

    @override
    def generate(self, content_checksum: str) -> UniqueId:
        """A new id, whatever the checksum."""
        return random_id()


class ContentIdGenerator(IdGenerator):
    """Derives ids from content as Parlant 3.3 does, whatever Parlant is installed.

    Stored variables are found again by these ids. Later versions of Parlant use another hash, with
    which a restarted application would create all its variables a second time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._uses: Counter[str] = Counter()

    @override
    def generate(self, content_checksum: str) -> UniqueId:
        """The next id of the content that has a checksum; each call gives another."""
        self._uses[content_checksum] += 1
        digest = _md5(f"{content_checksum}-{self._uses[content_checksum]}").digest()
        encoded = base64.urlsafe_b64encode(digest).decode()
        return UniqueId("".join(filter(str.isalnum, encoded))[:_LENGTH])


def stable_generator(generator: IdGenerator) -> IdGenerator:
    """The generator, or a `ContentIdGenerator` in place of Parlant's own."""
    return ContentIdGenerator() if type(generator) is IdGenerator else generator


def random_id() -> UniqueId:
    """An id of ten random letters and digits."""
    return UniqueId("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def checksum_of(content: str) -> str:
    """The checksum that Parlant 3.3 derives ids from; of text as it is stored."""
    return _md5(storable_text(content)).hexdigest()


def id_is_taken(error: DuplicateDocumentError) -> bool:
    """Whether the id was taken, and not something in a unique index of the user's."""
    return error.code == DuplicateDocumentError.sqlstate


def no_free_id(what: str) -> DuplicateDocumentError:
    """The error for a generator whose ids are all taken."""
    return DuplicateDocumentError(
        f"creating {what}: all {MAX_ID_ATTEMPTS} generated ids are already taken; nothing was "
        "written. Use an id_generator that gives new ids, such as RandomIdGenerator."
    )


def _md5(text: str) -> hashlib._Hash:
    # A lone surrogate is refused later, with the field that holds it.
    return hashlib.md5(text.encode(errors="surrogatepass"), usedforsecurity=False)
