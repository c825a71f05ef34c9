"""What of a capture no fact was read from: the tables beside those that a source reads."""

from typing import Final

from sources._configured import json_tables, unread_table
from sources._contract import Reading, Source, Unread
from sources._parsing import Table, Unreadable, tables_in

_MOST: Final = 40


def unread(source: Source, capture: bytes, reading: Reading | None) -> list[Unread]:
    """Tell what of a capture states nothing, and why, for a person to compare with the page.

    A described source says so itself. Of a built-in one it is the tables that no fact's locator
    leads to and no row of which holds a fact's model and printed text; all of them where the
    capture was refused. At most 40, and how many more there are.
    """
    try:
        if source.unread is not None:
            left = source.unread(capture)
        else:
            tables = json_tables(capture) if capture.lstrip()[:1] in b"[{" else tables_in(capture)
            frames = (reading.quotes, reading.terms) if reading else ()
            locators = {locator for frame in frames for locator in frame["locator"]}
            models = _models_by_text(reading)
            left = [
                unread_table(table, "no fact is read from it")
                for table in tables
                if not _is_read(table, locators, models)
            ]
    except Exception as error:  # noqa: BLE001 whatever the page holds, it is no more than not told
        return [Unread("the capture", "", f"no table can be told: {error}")]
    more = [Unread("further", "", f"{len(left) - _MOST} more")] if len(left) > _MOST else []
    return left[:_MOST] + more


def _models_by_text(reading: Reading | None) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for frame in (reading.quotes, reading.terms) if reading else ():
        for model, printed in frame.select("model", "printed_text").iter_rows():
            found.setdefault(printed, set()).add(model.lower())
    return found


def _is_read(table: Table, locators: set[str], models: dict[str, set[str]]) -> bool:
    if any(f"{table.locator}/" in f"{locator}/" for locator in locators):
        return True
    try:
        rows = table.rows
    except Unreadable:
        return False
    # a source may locate its facts by other words than the table's
    return any(
        model in " ".join(row.cells).lower()
        for row in rows
        for cell in row.cells
        for model in models.get(cell, ())
    )
