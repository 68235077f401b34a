"""A minimal Postgres client: enough to set a server up where there is no psql.

Speaks the simple-query protocol over loopback TCP with SCRAM-SHA-256; values come back as text.
"""

import base64
import hashlib
import hmac
import secrets
import socket
import struct
from types import TracebackType

from .ports import LOOPBACK

_PROTOCOL_VERSION = 196608


class PostgresError(Exception):
    """An error that the server reported, with its SQLSTATE."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate


class PostgresSession:
    """One connection; execute() runs a text of any number of statements."""

    def __init__(
        self, port: int, user: str, password: str, database: str, *, timeout: float = 60
    ) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout=timeout)
        self._stream = self._socket.makefile("rb")
        try:
            self._log_in(user, password, database)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "PostgresSession":
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        try:
            self._send(b"X", b"")
        except OSError:
            pass
        finally:
            self._stream.close()
            self._socket.close()

    def execute(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run the statements and return the rows of all of them."""
        self._send(b"Q", sql.encode() + b"\0")
        rows: list[tuple[str | None, ...]] = []
        error: PostgresError | None = None
        while True:
            kind, body = self._receive()
            if kind == b"D":
                rows.append(_decode_row(body))
            elif kind == b"E":
                error = _decode_error(body)
            elif kind == b"Z":
                if error is not None:
                    raise error
                return rows

    def _log_in(self, user: str, password: str, database: str) -> None:
        parameters = f"user\0{user}\0database\0{database}\0\0".encode()
        payload = struct.pack("!i", _PROTOCOL_VERSION) + parameters
        self._socket.sendall(struct.pack("!i", len(payload) + 4) + payload)
        scram = _Scram(password)
        while True:
            kind, body = self._receive()
            if kind == b"E":
                raise _decode_error(body)
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            request = struct.unpack("!i", body[:4])[0]
            if request == 10:
                first = scram.first_message()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
            elif request == 11:
                self._send(b"p", scram.final_message(body[4:]))
            elif request == 12:
                scram.verify(body[4:])
            elif request != 0:
                raise PostgresError("28000", f"unsupported authentication method {request}")

    def _send(self, kind: bytes, body: bytes) -> None:
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _receive(self) -> tuple[bytes, bytes]:
        head = self._stream.read(5)
        if len(head) < 5:
            raise ConnectionError("Postgres closed the connection")
        length = struct.unpack("!i", head[1:])[0] - 4
        body = self._stream.read(length)
        if len(body) < length:
            raise ConnectionError("Postgres closed the connection")
        return head[:1], body


class _Scram:
    """The client's half of SCRAM-SHA-256 (RFC 7677), without channel binding."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._first = f"n=,r={secrets.token_urlsafe(18)}"
        self._server_signature = b""

    def first_message(self) -> bytes:
        return f"n,,{self._first}".encode()

    def final_message(self, challenge: bytes) -> bytes:
        server_first = challenge.decode()
        fields = dict(part.split("=", 1) for part in server_first.split(","))
        salted = hashlib.pbkdf2_hmac(
            "sha256", self._password, base64.b64decode(fields["s"]), int(fields["i"])
        )
        without_proof = f"c=biws,r={fields['r']}"
        signed = f"{self._first},{server_first},{without_proof}".encode()
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._server_signature = hmac.digest(server_key, signed, "sha256")
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, outcome: bytes) -> None:
        expected = b"v=" + base64.b64encode(self._server_signature)
        if not hmac.compare_digest(outcome, expected):
            raise PostgresError("28000", "the server does not know the password")


def quote_literal(value: str) -> str:
    """Return the value as a string constant of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _decode_row(body: bytes) -> tuple[str | None, ...]:
    count = struct.unpack("!h", body[:2])[0]
    position = 2
    values: list[str | None] = []
    for _ in range(count):
        length = struct.unpack("!i", body[position : position + 4])[0]
        position += 4
        if length < 0:
            values.append(None)
            continue
        values.append(body[position : position + length].decode())
        position += length
    return tuple(values)


def _decode_error(body: bytes) -> PostgresError:
    fields = {part[:1]: part[1:].decode() for part in body.split(b"\0") if part}
    return PostgresError(fields.get(b"C", "XX000"), fields.get(b"M", "unknown error"))
