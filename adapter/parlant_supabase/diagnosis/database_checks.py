"""What the facts that parlant_diagnose() gives say about an installation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from parlant_supabase.diagnosis.findings import Finding, Status
from parlant_supabase.plurals import counted
from parlant_supabase.rpc.replies import (
    CacheDescription,
    CollectionDiagnosis,
    DiagnosisReply,
    IndexDiagnosis,
    TableDiagnosis,
)

_CLOCK_TOLERANCE_S = 5.0
_SHOWN_NAMES = 3

# Whether the public roles have grants, and what that means.
_WITHOUT_ROW_LEVEL_SECURITY: tuple[tuple[bool, Status, str], ...] = (
    (True, "error", "whoever has the public key can read or change what is in them"),
    (False, "warning", "a grant would open them to everybody"),
)

_ABSENT_VIEWS = {
    "missing": "Not there, though their tables are",
    "left alone": "Not made, because something else has the name",
}


def check_privileges(facts: DiagnosisReply, deploy_again: str) -> list[Finding]:
    """Whether the key may do all that the agent needs, and the public roles nothing.

    Args:
        facts: The reply of parlant_diagnose().
        deploy_again: What restores functions and their grants.
    """
    functions = facts["functions"]
    findings = [
        Finding("privileges", "error", f"{text} {_names(names)}.", (deploy_again,))
        for text, names in (
            ("The database lacks", functions["missing"]),
            ("The key may not execute", functions["denied"]),
        )
        if names
    ]
    if lacking := [table for table in _tables(facts) if table["lacking"]]:
        privileges = sorted({privilege for table in lacking for privilege in table["lacking"]})
        findings.append(
            Finding(
                "privileges",
                "error",
                f"The key may not {', '.join(privileges)} in {_names(_table_names(lacking))}.",
                _run(table["repairs"]["lacking"] for table in lacking),
            )
        )
    findings += _check_public_roles(facts, deploy_again)
    return findings or [
        Finding(
            "privileges",
            "ok",
            "The key may do all that the agent needs; anon and authenticated may do nothing.",
        )
    ]


def check_row_level_security(facts: DiagnosisReply) -> list[Finding]:
    """Whether row level security is on for every table."""
    off = [table for table in _tables(facts) if not table["row_level_security"]]
    findings = []
    for is_open, status, consequence in _WITHOUT_ROW_LEVEL_SECURITY:
        if tables := [table for table in off if bool(table["granted"]) is is_open]:
            findings.append(
                Finding(
                    "row level security",
                    status,
                    f"It is off for {_names(_table_names(tables))}: {consequence}.",
                    _run(table["repairs"]["row_level_security"] for table in tables),
                )
            )
    return findings or [Finding("row level security", "ok", "It is on for every table.")]


def check_tables(facts: DiagnosisReply) -> list[Finding]:
    """Whether every registered table is there."""
    findings = []
    for collection in facts["collections"]:
        documents, failed = collection["documents"], collection["failed"]
        if not documents["exists"]:
            findings.append(
                Finding(
                    "tables",
                    "error",
                    f"Table {documents['table']} of collection {collection['collection']} (prefix "
                    f"{collection['prefix']}) is registered and not there.",
                    (
                        "Restore it from a backup, or have an empty one made on next use:",
                        *_run([collection["forget"]]),
                    ),
                )
            )
        elif not failed["exists"]:
            findings.append(
                Finding(
                    "tables",
                    "error",
                    f"Table {failed['table']} for failed documents is registered and not there.",
                    (
                        "Restore it from a backup, or make an empty one:",
                        *_run([collection["make_failed"]]),
                    ),
                )
            )
    if unregistered := facts["unregistered"]:
        findings.append(
            Finding(
                "tables",
                "warning",
                f"{counted(len(unregistered), 'table')} not registered, as after a copy of the "
                f"schema without its rows: {_names([each['table'] for each in unregistered])}.",
                (
                    "A store that is opened registers its own. To register all of them:",
                    *_run(each["repair"] for each in unregistered),
                ),
            )
        )
    if keyless := [table for table in _tables(facts) if "primary_key" in table["repairs"]]:
        findings.append(
            Finding(
                "tables",
                "error",
                f"The primary key of {_names(_table_names(keyless))} is missing, so no failed "
                "document can be kept.",
                _run(table["repairs"]["primary_key"] for table in keyless),
            )
        )
    if behind := [table for table in _tables(facts) if "sequence" in table["repairs"]]:
        findings.append(
            Finding(
                "tables",
                "warning",
                f"The sequence of seq is behind the rows of {_names(_table_names(behind))}, as "
                "after an import with numbers of its own, so new documents do not come last.",
                _run(table["repairs"]["sequence"] for table in behind),
            )
        )
    if findings:
        return findings
    rows = [collection["documents"]["rows"] for collection in facts["collections"]]
    total = sum(row["count"] for row in rows if row)
    about = "" if all(row and row["exact"] for row in rows) else "about "
    return [
        Finding(
            "tables",
            "ok",
            f"{counted(len(rows), 'collection')} with {about}{counted(total, 'document')}.",
        )
    ]


def check_failed_documents(facts: DiagnosisReply) -> Finding:
    """Whether documents wait that Parlant could not convert."""
    waiting = [
        (collection, rows["count"])
        for collection in facts["collections"]
        if (rows := collection["failed"].get("rows")) and rows["count"]
    ]
    if not waiting:
        return Finding("failed documents", "ok", "None.")
    total = sum(count for _, count in waiting)
    where = _names([f"{each['prefix']} {each['collection']}" for each, _ in waiting])
    return Finding(
        "failed documents",
        "warning",
        f"{counted(total, 'document')} of {where} could not be converted.",
        (
            "See which and why: parlant-supabase failed list",
            "Try again, as after an upgrade of Parlant: parlant-supabase failed retry",
        ),
    )


def check_indexes(facts: DiagnosisReply) -> list[Finding]:
    """Whether the indexes are there that the queries use."""
    missing: list[tuple[CollectionDiagnosis, IndexDiagnosis]] = []
    for _, group in groupby(facts["collections"], key=lambda collection: collection["prefix"]):
        wanted = [(each, index) for each in group for index in each["indexes"]]
        # What Parlant's own stores ask for is made when they are opened, all at once: where none
        # of it is there, none of them has been.
        opened = any(index["present"] for _, index in wanted if index["origin"] == "requested")
        missing += [
            (each, index)
            for each, index in wanted
            if not index["present"] and (opened or index["origin"] != "requested")
        ]
    if not missing:
        return [Finding("indexes", "ok", "Those that Parlant's queries use are there.")]

    keys = [each for each in missing if each[1]["fields"] == [["id", "asc"]]]
    others = [each for each in missing if each not in keys]
    findings = []
    if keys:
        findings.append(
            _index_finding("error", "A primary key is missing, so nothing can be inserted", keys)
        )
    if others:
        count = counted(len(others), "index", "indexes")
        findings.append(
            _index_finding("warning", f"{count} missing, so queries get slow as data grows", others)
        )
    return findings


def check_views(facts: DiagnosisReply) -> list[Finding]:
    """Whether the views are there that people read; the agent needs none of them."""
    views = facts["views"]
    findings = [
        Finding(
            "views",
            "notice",
            f"{text}: {_names([view['view'] for view in found])}.",
            _run(view["repair"] for view in found),
        )
        for state, text in _ABSENT_VIEWS.items()
        if (found := [view for view in views if view["state"] == state])
    ]
    if findings:
        return findings
    made = sum(view["state"] == "made" for view in views)
    return [Finding("views", "ok", f"{counted(made, 'view')} for people to read.")]


def check_caches(caches: Sequence[CacheDescription]) -> list[Finding]:
    """What servers have kept with warm_start, and how often it helped."""
    findings = [
        Finding(
            "cache",
            "ok",
            f"{cache['table']}: {counted(cache['entries'], 'value')}, {_size(cache['bytes'])}; "
            f"{counted(cache['hits'], 'hit')} and {counted(cache['misses'], 'miss', 'misses')}"
            + (f" since {cache['since'][:10]}." if cache["since"] else "."),
        )
        for cache in caches
    ]
    return findings or [
        Finding("cache", "ok", "None; servers with warm_start keep what they work out.")
    ]


def check_clock(facts: DiagnosisReply, sent_at: float, received_at: float) -> Finding:
    """Whether this machine's clock and the database's agree.

    Args:
        facts: The reply of parlant_diagnose().
        sent_at: When this machine asked for it, in seconds since 1970.
        received_at: When it had the reply.
    """
    ahead = (sent_at + received_at) / 2 - facts["now"]
    uncertainty = (received_at - sent_at) / 2
    if abs(ahead) <= _CLOCK_TOLERANCE_S + uncertainty:
        return Finding("clock", "ok", "This machine's clock and the database's agree.")
    return Finding(
        "clock",
        "warning",
        f"This machine's clock is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} the "
        "database's, and Parlant orders events by it.",
        ("Have this machine set its clock from the network.",),
    )


def _check_public_roles(facts: DiagnosisReply, deploy_again: str) -> list[Finding]:
    findings = []
    for role in ("anon", "authenticated"):
        functions = facts["functions"]["open"].get(role, [])
        tables = [table for table in _tables(facts) if table["granted"].get(role)]
        revokes = _run(table["repairs"]["granted"] for table in tables)
        if functions and role == "authenticated":
            findings.append(
                Finding(
                    "privileges",
                    "notice",
                    "Signed-in users (authenticated) may call functions, and see what your "
                    "policies let them.",
                    ("Right if you opted in to that. Otherwise:", deploy_again, *revokes),
                )
            )
        elif functions:
            findings.append(
                Finding(
                    "privileges",
                    "warning",
                    f"Everybody who has the public key ({role}) may call functions.",
                    (
                        "Right only if you opened the store on purpose. Otherwise:",
                        deploy_again,
                        *revokes,
                    ),
                )
            )
        elif tables:
            findings.append(
                Finding(
                    "privileges",
                    "warning",
                    f"{role} has privileges on {_names(_table_names(tables))}.",
                    revokes,
                )
            )
    return findings


def _index_finding(
    status: Status, text: str, missing: Sequence[tuple[CollectionDiagnosis, IndexDiagnosis]]
) -> Finding:
    where = _names(sorted({each["documents"]["table"] for each, _ in missing}))
    return Finding(
        "indexes",
        status,
        f"{text}: {where}.",
        _run(index["repair"] for _, index in missing),
    )


def _run(statements: Iterable[str | None]) -> tuple[str, ...]:
    """Remedies that are statements of SQL; a repair may be several, on a line each."""
    run = tuple(line for each in statements if each for line in each.splitlines())
    if not run:
        return ()
    # Several at once are one transaction in the editor, in which no index can be made so.
    is_alone = len(run) > 1 and any(" concurrently " in each for each in run)
    where = "Run in the dashboard's SQL editor"
    return (f"{where}, one at a time:" if is_alone else f"{where}:", *run)


def _tables(facts: DiagnosisReply) -> list[TableDiagnosis]:
    return [
        table
        for collection in facts["collections"]
        for table in (collection["documents"], collection["failed"])
        if table["exists"]
    ]


def _table_names(tables: Iterable[TableDiagnosis]) -> list[str]:
    return [table["table"] for table in tables]


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB"


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown
