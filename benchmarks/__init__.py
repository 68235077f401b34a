"""What the figures in the README come from: `make bench`, or `python -m benchmarks --quick`.

Each subject, a file in `subjects/`, compares contenders, files in `contenders/`. The calls of all
contenders are interleaved in rounds, so that whatever else the machine does meets them alike.
"""
