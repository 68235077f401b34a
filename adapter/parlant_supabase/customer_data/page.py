"""Writes a customer's data as one HTML page that can be read, printed and sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from parlant_supabase.customer_data.transcript import Line, lines_of
from parlant_supabase.transfer.records import Record

# No HTML page may hold these.
_CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid #8884; }
th { width: 30%; font-weight: 600; }
time, .speaker, .note { color: #777; font-size: .85rem; }
.line { margin: .6rem 0; padding: .5rem .8rem; border-left: 3px solid #8886; break-inside: avoid; }
.customer { border-left-color: #3a7bd5; }
.text { white-space: pre-wrap; margin: 0; }
.deleted .text { text-decoration: line-through; }
@media print { body { max-width: none; font-size: 11pt; } h2 { break-after: avoid; } }
"""


def page_of(customer_id: str, records: Sequence[Record]) -> bytes:
    """An HTML page of a customer's records, in UTF-8, without scripts or links.

    Args:
        customer_id: The customer's id.
        records: All that is stored of the customer, in any order.
    """
    html = Element("html", lang="en")
    _head(html, f"Data stored of customer {customer_id}")
    body = SubElement(html, "body")
    _text(body, "h1", f"Data stored of customer {customer_id}")
    now = datetime.now(timezone.utc).isoformat(sep=" ", timespec="seconds")
    _text(body, "p", f"Written on {now}. Times are in UTC.").set("class", "note")

    documents = [record for record in records if record.failure is None]
    for customer in _of(documents, "customers"):
        _text(body, "h2", "Customer")
        _fields(body, customer, leave_out=("version",))
    tags = [str(tag.get("tag_id")) for tag in _of(documents, "customer_tag_associations")]
    if tags:
        _text(body, "h2", "Tags")
        _text(body, "p", ", ".join(tags))
    values = list(_of(documents, "values"))
    if values:
        _text(body, "h2", "Context variables")
        _fields(body, {str(each.get("variable_id")): each.get("data") for each in values})

    events: dict[str, list[dict[str, Any]]] = {}
    for event in _of(documents, "events"):
        events.setdefault(str(event.get("session_id")), []).append(event)
    sessions = sorted(_of(documents, "sessions"), key=lambda each: str(each.get("creation_utc")))
    for session in sessions:
        _conversation(body, session, events.pop(str(session.get("id")), []))
    for session_id, orphans in events.items():
        _conversation(body, {"id": session_id}, orphans)

    failed = [record for record in records if record.failure is not None]
    if failed:
        _text(body, "h2", "Copies that could not be converted")
        for record in failed:
            _text(body, "p", f"{record.part.collection} {record.id or ''}").set("class", "note")
            _text(body, "p", json.dumps(record.data, ensure_ascii=False)).set("class", "text")
    page: bytes = tostring(html, encoding="utf-8", method="html")
    return b"<!doctype html>\n" + page


def _head(html: Element, title: str) -> None:
    head = SubElement(html, "head")
    SubElement(head, "meta", charset="utf-8")
    # A message that a browser took for markup in spite of the escaping could still load nothing.
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    _text(head, "title", title)
    _text(head, "style", _STYLE)


def _conversation(body: Element, session: dict[str, Any], events: Sequence[dict[str, Any]]) -> None:
    title = session.get("title") or "Conversation"
    _text(body, "h2", f"{title}, {_time(str(session.get('creation_utc', '')))}")
    _fields(body, session, leave_out=("version", "agent_states", "customer_id", "title"))
    ordered = sorted(events, key=lambda each: (str(each.get("creation_utc")), str(each.get("id"))))
    for event in ordered:
        for line in lines_of(event):
            _line(body, line)


def _line(body: Element, line: Line) -> None:
    classes = ["line"]
    if line.is_from_customer:
        classes.append("customer")
    if line.is_deleted:
        classes.append("deleted")
    box = SubElement(body, "div", {"class": " ".join(classes)})
    _text(box, "span", f"{line.speaker} ").set("class", "speaker")
    _text(box, "time", _time(line.at))
    if line.is_deleted:
        _text(box, "span", " (deleted)").set("class", "note")
    _text(box, "p", line.text).set("class", "text")
    if line.metadata:
        _text(box, "p", json.dumps(line.metadata, ensure_ascii=False)).set("class", "note")


def _fields(body: Element, fields: dict[str, Any], leave_out: Iterable[str] = ()) -> None:
    table = SubElement(body, "table")
    for name, value in fields.items():
        if name in leave_out or value in (None, [], {}, ""):
            continue
        row = SubElement(table, "tr")
        _text(row, "th", name).set("scope", "row")
        _text(row, "td", value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _of(records: Iterable[Record], collection: str) -> Iterable[dict[str, Any]]:
    return (
        record.data
        for record in records
        if record.part.collection == collection and record.data is not None
    )


def _text(parent: Element, tag: str, text: str) -> Element:
    element = SubElement(parent, tag)
    # Characters that no HTML page may hold.
    element.text = "".join(
        c if c >= " " or c in "\t\n\r" else "\N{REPLACEMENT CHARACTER}" for c in text
    )
    return element


def _time(at: str) -> str:
    return at[:19].replace("T", " ")
