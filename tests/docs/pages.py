"""The documents of the project, as their blocks, links and headings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.checkout import CHECKOUT

# What a comment in a page says to these tests, before the block or the place that it is about:
#   <!-- file: my_agent.py -->   the block is a file of that name in the reader's folder
#   <!-- exit code: 1 -->        the block's last command fails, as the page says
#   <!-- run: COMMAND -->        what the page takes as done by now
_DIRECTIVE = re.compile(r"<!-- (file|exit code|run): (.*?) -->\s*")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        page: The page that it is in, relative to the checkout.
        line: Number of the line that its content begins on.
        section: The heading that it is under.
        language: What follows the fence, such as `console`.
        content: What is between the fences.
        file: Name of the file that it is, if the page says that it is one.
        exit_code: What its last command ends with.
    """

    page: str
    line: int
    section: str
    language: str
    content: str
    file: str | None = None
    exit_code: int = 0

    @property
    def is_application(self) -> bool:
        """Whether it is a whole program that runs a Parlant server."""
        return "p.Server(" in self.content and "asyncio.run(" in self.content

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Link:
    """A link or image; `target` is as it stands in the page."""

    page: str
    target: str


def page_names() -> list[str]:
    """Every page that is tested, relative to the checkout."""
    pages = (CHECKOUT / "docs").rglob("*.md")
    paths = sorted(page.relative_to(CHECKOUT).as_posix() for page in pages)
    return ["README.md", "CONTRIBUTING.md", *paths]


def blocks_of(page: str) -> list[Block]:
    """The page's blocks of code, and what its comments run, in order."""
    blocks = []
    section, directives = "", dict[str, str]()
    tokens = _parse(page)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following is not None:
            section = following.content
        elif token.type == "html_block":
            for name, value in _DIRECTIVE.findall(token.content):
                if name == "run":
                    blocks.append(Block(page, _line(token), section, "console", f"$ {value}\n"))
                else:
                    directives[name] = value
        elif token.type == "fence":
            blocks.append(
                Block(
                    page,
                    _line(token) + 1,
                    section,
                    token.info.strip(),
                    token.content,
                    directives.pop("file", None),
                    int(directives.pop("exit code", "0")),
                )
            )
    assert not directives, f"{page}: no block follows {directives}"
    return blocks


def applications() -> dict[str, str]:
    """{where: code} of the programs that run a Parlant server, each once."""
    programs: dict[str, str] = {}
    for page in page_names():
        for block in blocks_of(page):
            if block.is_application and block.content not in programs.values():
                programs[str(block)] = block.content
    return programs


def code_spans_of(page: str) -> list[str]:
    """What stands between single backticks in the page's text."""
    return [
        child.content
        for token in _parse(page)
        for child in token.children or []
        if child.type == "code_inline"
    ]


def links_of(page: str) -> list[Link]:
    """The page's links and images, those in HTML included."""
    return [Link(page, target) for token in _parse(page) for target in _targets(token)]


def anchors_of(page: str) -> set[str]:
    """What a link to a place in the page may name: its headings, as the forge spells them."""
    tokens = _parse(page)
    headings = [
        inline.content for token, inline in pairwise(tokens) if token.type == "heading_open"
    ]
    anchors, seen = set(), Counter[str]()
    for heading in headings:
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        anchors.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
        seen[anchor] += 1
    return anchors


def _parse(page: str) -> list[Token]:
    text = (CHECKOUT / page).read_text("utf-8")
    return MarkdownIt("commonmark").enable("table").parse(text)


def _line(token: Token) -> int:
    assert token.map is not None
    return token.map[0] + 1


def _targets(token: Token) -> Iterator[str]:
    if token.type in ("html_block", "html_inline"):
        yield from re.findall(r'(?:href|src|srcset)="([^"]*)"', token.content)
    for name in ("href", "src"):
        if target := token.attrGet(name):
            yield str(target)
    for child in token.children or []:
        yield from _targets(child)
