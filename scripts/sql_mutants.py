"""Lists the small ways in which a SQL function can be broken that a test must notice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

_SIGNATURE = re.compile(r"^revoke all on function\s+(?P<signature>.*?\))\s+from", re.M | re.S)
_BODY = re.compile(r"\bas \$\$\n(?P<body>.*?)^\$\$;", re.M | re.S)
# Comments, and what is said to people, which Postgres does not run.
_PROSE = re.compile(
    r"^\s*--.*$|(?:\bhint =|\bmessage =|\bdetail =)\s+(?:format\(\s*)?'(?:[^']|'')*'"
    r"|'Write (?:[^']|'')*'|'[A-Z][a-z]* (?:[^']|'')*\.'",
    re.M,
)


_PRIVILEGE_BREAKS = ("drop revoke", "drop grant")


@dataclass(frozen=True)
class Mutant:
    """One function, broken in one way.

    Attributes:
        function: The function's name, which is that of its file.
        break_: What is broken, such as `drop coalesce`.
        line: The line of the file where it is broken.
        text: What stands there.
        statement: SQL that breaks the deployed function.
    """

    function: str
    break_: str
    line: int
    text: str
    statement: str

    @property
    def name(self) -> str:
        """What tells it from all others, whatever lines are added above it."""
        return f"{self.function}: {self.break_}: {self.text}"

    @property
    def concerns_privileges(self) -> bool:
        """Whether it changes who may call the function, and not what the function does."""
        return self.break_ in _PRIVILEGE_BREAKS


@dataclass(frozen=True)
class _Edit:
    start: int
    end: int
    replacement: str


def mutants_of(path: Path) -> list[Mutant]:
    """All mutants of the function in a file below sql/functions/, in the order of its lines."""
    source = path.read_text("utf-8")
    signature, body = _SIGNATURE.search(source), _BODY.search(source)
    if signature is None or body is None:
        return []
    definition = source[source.index("create or replace function") : body.end()]
    offset = source.index(definition)
    code = _code_of(definition, body.start("body") - offset)
    mutants: list[Mutant] = []
    seen: dict[tuple[str, str], int] = {}
    for break_, edits in BREAKS.items():
        for edit in edits(code, body.start("body") - offset):
            line = source.count("\n", 0, offset + edit.start) + 1
            text = " ".join(source.splitlines()[line - 1].split())
            number = seen[break_, text] = seen.get((break_, text), 0) + 1
            mutants.append(
                Mutant(
                    path.stem,
                    break_,
                    line,
                    text if number == 1 else f"{text} (number {number})",
                    definition[: edit.start] + edit.replacement + definition[edit.end :],
                )
            )
    return sorted(mutants, key=lambda mutant: mutant.line) + _privilege_mutants(
        path.stem, source, " ".join(signature["signature"].split())
    )


def _privilege_mutants(function: str, source: str, signature: str) -> list[Mutant]:
    """A function that is created gets its privileges from Postgres and from the project."""
    end = source.rindex("revoke all on function")
    line = source.count("\n", 0, end) + 1
    mutants = [
        Mutant(
            function,
            _PRIVILEGE_BREAKS[0],
            line,
            "revoke all on function",
            f"grant execute on function {signature} to public, anon, authenticated",
        )
    ]
    if "grant execute on function" in source:
        mutants.append(
            Mutant(
                function,
                _PRIVILEGE_BREAKS[1],
                line,
                "grant execute on function",
                f"revoke execute on function {signature} from service_role",
            )
        )
    return mutants


def _code_of(definition: str, body: int) -> str:
    """The definition with all but its code blanked out, so that offsets stay."""
    blank = _PROSE.sub(lambda match: " " * len(match[0]), definition)
    return " " * body + blank[body:]


def _closing(code: str, opening: int) -> int:
    """Where the parenthesis that opens at an offset is closed; -1 if it is not."""
    depth = 0
    for position in range(opening, len(code)):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        if depth == 0:
            return position
    return -1


def _first_argument(code: str, opening: int, closing: int) -> str:
    depth = 0
    for position in range(opening + 1, closing):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(code[position], 0)
        if depth == 0 and code[position] == ",":
            return code[opening + 1 : position]
    return code[opening + 1 : closing]


def _calls_reduced(name: str) -> Callable[[str, int], Iterator[_Edit]]:
    """A call becomes its first argument."""

    def edits(code: str, body: int) -> Iterator[_Edit]:
        for match in re.finditer(rf"\b{name}\(", code[body:]):
            opening = body + match.end() - 1
            closing = _closing(code, opening)
            if closing > 0:
                argument = _first_argument(code, opening, closing)
                yield _Edit(body + match.start(), closing + 1, f"({argument})")

    return edits


def _replaced(pattern: str, replacement: str) -> Callable[[str, int], Iterator[_Edit]]:
    """Each match of a pattern, from the body on, becomes something else."""
    compiled = re.compile(pattern, re.S)

    def edits(code: str, body: int) -> Iterator[_Edit]:
        for match in compiled.finditer(code, body):
            yield _Edit(match.start(), match.end(), match.expand(replacement))

    return edits


def _order_dropped(code: str, body: int) -> Iterator[_Edit]:
    """An `order by` goes, up to where its parenthesis, its text or its clause ends."""
    for match in re.finditer(r"\s*\border by ", code[body:]):
        start = position = body + match.start()
        depth = 0
        while position < len(code):
            if depth == 0 and re.match(
                r"[);']|\s+limit\b|\s+for update|\s+loop\b|\$", code[position:]
            ):
                break
            depth += {"(": 1, ")": -1}.get(code[position], 0)
            position += 1
        yield _Edit(start, position, "")


def _bounds_moved(code: str, body: int) -> Iterator[_Edit]:
    for match in re.finditer(r"(?<![\w$.'{\[%:#])\d+(?![\w.'%}$])", code[body:]):
        value = int(match[0])
        # Nearer to zero: more than all is all.
        yield _Edit(
            body + match.start(), body + match.end(), str(value + 1 if value < 2 else value - 1)
        )


def _conditions_forced(value: str) -> Callable[[str, int], Iterator[_Edit]]:
    return _replaced(r"\b(if|elsif)\s((?:(?!\bthen\b|;).)+?)\sthen\b", rf"\1 {value} then")


BREAKS: dict[str, Callable[[str, int], Iterator[_Edit]]] = {
    "drop row lock": _replaced(r" for (?:no key )?update(?: skip locked)?(?=['\s;])", ""),
    "drop skip locked": _replaced(r" skip locked", ""),
    "drop advisory lock": _replaced(r"perform pg_advisory_xact_lock\(((?!;).)*;", "perform 1;"),
    "drop table lock": _replaced(r"\block table [^;]*;", ""),
    "drop coalesce": _calls_reduced("coalesce"),
    "drop nullif": _calls_reduced("nullif"),
    "drop greatest": _calls_reduced("greatest"),
    "drop least": _calls_reduced("least"),
    "drop collate": _replaced(r' collate "C"', ""),
    "drop order": _order_dropped,
    "drop distinct": _replaced(r"\bdistinct (?!from)", ""),
    "drop not": _replaced(r"\bnot (?=exists\b|found\b|v_|p_|\()", ""),
    "never": _conditions_forced("false"),
    "always": _conditions_forced("true"),
    "and to or": _replaced(r"(?<=[\s'])and(?=\s)", "or"),
    "or to and": _replaced(r"(?<=[\s'])or(?=\s)", "and"),
    "desc to asc": _replaced(r"\bdesc\b", "asc"),
    "asc to desc": _replaced(r"\basc\b", "desc"),
    "< to <=": _replaced(r"(?<=\s)<(?=\s)", "<="),
    "> to >=": _replaced(r"(?<=\s)>(?=\s)", ">="),
    "<= to <": _replaced(r"(?<=\s)<=(?=\s)", "<"),
    ">= to >": _replaced(r"(?<=\s)>=(?=\s)", ">"),
    "= to <>": _replaced(r"(?<=\s)=(?=\s)", "<>"),
    "<> to =": _replaced(r"(?<=\s)<>(?=\s)", "="),
    "is distinct to <>": _replaced(r"is distinct from", "<>"),
    "is not distinct to =": _replaced(r"is not distinct from", "="),
    "null to not null": _replaced(r"\bis null\b", "is not null"),
    "not null to null": _replaced(r"\bis not null\b", "is null"),
    "any to all": _replaced(r"= any \(", "= all ("),
    "move a bound": _bounds_moved,
    "drop an index field": _replaced(r"(?<=\()(creation_utc|version), (?:id|seq)(?=\))", r"\1"),
    "let everybody": _replaced(
        r"from public, anon, authenticated(?:, service_role)?", "from service_role"
    ),
    "drop unique": _replaced(r"(?<=then )'unique ?'", "''"),
    "drop nulls not distinct": _replaced(r" nulls not distinct", ""),
}
"""How functions are broken: {name: finds the places in a function's text, from an offset on}."""
