"""Why a text cannot be read as a table, and what to do: of rows that Arrow does not take."""

from pathlib import Path
from typing import Any

from experiments.data.reading.text.csv_detecting import LONGEST_LINE, Layout
from experiments.data.reading.text.csv_headers import SHOWN


def why(path: Path, layout: Layout, invalid: list[Any], rows: int, error: Exception) -> str:
    """What to say of an error of Arrow behind so many rows, and the rows that it refused."""
    header = layout.written.header
    if invalid:
        return _why_cells(path, layout, invalid[0])
    if "straddling" in str(error):
        return (
            f"{path.name}: a line after row {max(0, rows - int(header)):,} is longer than "
            f"{LONGEST_LINE:,} bytes, or a quote there is never closed. Close it, or save "
            "the table with fewer columns."
        )
    if rows == 0 and "Empty CSV" in str(error):
        return no_rows(path)
    return f"{path.name} cannot be read as a table: {error}. Save it again as CSV with UTF-8."


def _why_cells(path: Path, layout: Layout, row: Any) -> str:
    """Why a row with more or fewer cells than the first line is refused."""
    header = layout.written.header
    text = row.text[:SHOWN] + ("…" if len(row.text) > SHOWN else "")
    place = f"row {row.number - int(header):,} (of data, from 1)"
    sign = layout.written.delimiter
    cells = f"{row.actual_columns:,} cells"
    if not row.text.strip():
        return f"{path.name}, {place}: the line has white space only. Delete it."
    if row.actual_columns == row.expected_columns + 1 == layout.usual_cells and row.text.endswith(
        layout.splitting
    ):
        return (
            f"{path.name}: the rows end with {sign!r}, and line 1 does not: {text!r}. Write it at "
            "the end of line 1 too, or delete it from the rows."
        )
    first = "1 cell" if row.expected_columns == 1 else f"{row.expected_columns:,} cells"
    if layout.usual_cells == row.actual_columns and not (header and row.number == 2):
        return (
            f"{path.name}: line 1 has {first}, and most lines have {row.actual_columns:,}, such as "
            f"{text!r}. Delete what stands above the table, or put quotes around cells with "
            f"{sign!r}."
        )
    if header and row.number == 2 and row.expected_columns == row.actual_columns + 1:
        if not layout.names[-1] or layout.unnamed:
            return (
                f"{path.name}: line 1 ends with {sign!r}, and the rows do not: {text!r}. Delete it "
                "there."
            )
    if header and row.number == 2:
        more = "a name for each column" if row.actual_columns > row.expected_columns else ""
        if row.actual_columns == row.expected_columns + 1 == layout.usual_cells:
            more += " (of R: write.table with row.names = FALSE, or col.names = NA)"
        more = more or "as many cells as there are names"
        return (
            f"{path.name}: line 1 has {row.expected_columns:,} cells, and line 2 has "
            f"{row.actual_columns:,}: {text!r}. Needed: {more}. Delete what stands above the "
            f"table, or put quotes around cells with {sign!r}."
        )
    return (
        f"{path.name}, {place}: {cells}, where line 1 has {row.expected_columns:,}: {text!r}. "
        f"Every row has to have as many cells; put quotes around cells with {sign!r}, or correct "
        "the delimiter."
    )


def no_rows(path: Path) -> str:
    """What to say of a text that has no row of data."""
    return (
        f"{path.name} has a header and no rows. Choose a file with a line for each sample; if the "
        "first line is a sample, say that there is no header."
    )
