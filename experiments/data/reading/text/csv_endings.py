"""What stands behind the last row of a text: rows of delimiters alone, white space, Ctrl-Z."""

from pathlib import Path
from typing import NamedTuple

#: White space, and Ctrl-Z, with which DOS ended a text.
NOTHING = " \t\r\n\x1a"

_PIECE = 1 << 16  # bytes: of each encoding a whole number of letters, if none is cut
_LONGEST = 1 << 24


class Ending(NamedTuple):
    """The byte from which on a text has no value, None where that is its very end, and how many
    lines without one are there."""

    start: int | None = None
    lines: int = 0


#: Of a text that ends with a value.
AT_ITS_END = Ending()


def find_ending(path: Path, begin: int, encoding: str, delimiter: str) -> Ending:
    """The end of a text that begins at the byte ``begin``: behind the line of its last value."""
    nothing = NOTHING + delimiter
    rest = b""
    with path.open("rb") as file:
        size = at = file.seek(0, 2) - begin
        while at and len(rest) < _LONGEST:
            start = (at - 1) // _PIECE * _PIECE
            file.seek(begin + start)
            piece = file.read(at - start)
            rest, at = piece + rest, start
            if piece.decode(encoding, "replace").strip(nothing):
                break
    text = rest.decode(encoding, "replace")
    lines = text[len(text.rstrip(nothing)) :].splitlines(keepends=True)[1:]
    empty = sum(bool(line.strip("\r\n")) for line in lines)
    if not empty:
        return AT_ITS_END
    return Ending(begin + size - len("".join(lines).encode(encoding)), empty)
