"""A page of docs/ with one row per network of a campaign."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def write_page(
    page: Path,
    head: str,
    networks: Mapping[str, Callable[[], Any]],
    row: Callable[[str, Any], str],
    names: Sequence[str],
) -> None:
    """Run the campaign on some or all networks; the page is written only for all.

    Args:
        page: file to write.
        head: everything above the rows.
        networks: by name, each made when its turn comes.
        row: (name, net) -> line of the table.
        names: networks to print rows of; all if empty.
    """
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    rows = []
    for name, make in networks.items():
        if names and name not in names:
            continue
        rows.append(row(name, make()))
        print(rows[-1], flush=True)
    if not names:
        page.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
