"""What is compared, one contender in each file."""

from benchmarks.contenders.document_database import DOCUMENT_DATABASE
from benchmarks.contenders.json_file import JSON_FILE
from benchmarks.contenders.one_request_stores import JOINED_SERVER, ONE_REQUEST_STORES
from benchmarks.contenders.table_api import TABLE_API

CONTENDERS = {
    contender.name: contender
    for contender in (JSON_FILE, TABLE_API, DOCUMENT_DATABASE, ONE_REQUEST_STORES)
}
"""Those that keep Parlant's stores, by name."""

SERVERS = {**CONTENDERS, JOINED_SERVER.name: JOINED_SERVER}
"""Those, and the servers that are more than their stores."""
