"""Options that `import` and `export` share."""

from typing import Annotated

import typer

PrefixOption = Annotated[
    str,
    typer.Option(
        show_default="every prefix", help="Only stores whose table prefix begins with this."
    ),
]
