"""Every link leads somewhere, and every page can be reached."""

from __future__ import annotations

from pathlib import PurePosixPath
from posixpath import normpath
from urllib.parse import unquote, urlsplit

import pytest

from tests.checkout import CHECKOUT
from tests.docs.pages import Link, anchors_of, links_of, page_names

LINKS = [link for page in page_names() for link in links_of(page)]
RELATIVE = [link for link in LINKS if not urlsplit(link.target).scheme]


def page_or_file_of(link: Link) -> str:
    """What the link leads to, relative to the checkout."""
    path = unquote(urlsplit(link.target).path)
    return normpath(str(PurePosixPath(link.page).parent / path)) if path else link.page


@pytest.mark.parametrize("link", RELATIVE, ids=lambda link: f"{link.page}→{link.target}")
def test_that_a_link_leads_somewhere(link: Link) -> None:
    destination = page_or_file_of(link)
    place = urlsplit(link.target).fragment

    assert not destination.startswith(".."), "it leads out of the checkout"
    assert (CHECKOUT / destination).exists()
    if place:
        assert place in anchors_of(destination)


def test_that_links_to_other_places_are_encrypted() -> None:
    elsewhere = [urlsplit(link.target) for link in LINKS if urlsplit(link.target).scheme]

    assert {url.scheme for url in elsewhere if url.hostname != "localhost"} == {"https"}


def test_that_every_page_can_be_reached_from_the_readme() -> None:
    reached, unread = set[str](), ["README.md"]
    while unread:
        page = unread.pop()
        if page not in reached:
            reached.add(page)
            links = [link for link in RELATIVE if link.page == page]
            unread += [path for path in map(page_or_file_of, links) if path.endswith(".md")]

    assert set(page_names()) <= reached
