"""Runs a Parlant application as it stands, but without a language model and on ports of its own.

python -m tests.programs.offline_server PORT TOOL_SERVICE_PORT application.py
"""

from __future__ import annotations

import functools
import runpy
import sys

import parlant.sdk as p

from demo.offline_nlp import OfflineNLPService


def main() -> None:
    port, tool_service_port, application = sys.argv[1:]
    p.Server.__init__ = functools.partialmethod(  # type: ignore[assignment, method-assign]
        p.Server.__init__,
        host="127.0.0.1",
        port=int(port),
        tool_service_port=int(tool_service_port),
        nlp_service=lambda container: OfflineNLPService(),
    )
    p.Server.create_agent = functools.partialmethod(  # type: ignore[assignment, method-assign]
        p.Server.create_agent,
        # Or the engine takes its time before it replies, as a person would.
        perceived_performance_policy=p.NullPerceivedPerformancePolicy(),
    )
    runpy.run_path(application, run_name="__main__")


if __name__ == "__main__":
    main()
