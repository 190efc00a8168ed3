"""Columns with white space between them, however much: as UCI's datasets are padded."""

import re

_CELL = re.compile(r'"[^"]*"(?!\S)|\S+')


def with_tabs(text: str) -> str:
    """Lines with one tab between cells and \\n at their end; quoted cells keep their spaces."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join("\t".join(_CELL.findall(line)) for line in lines)


class Spaces:
    """Does so for a text that comes in pieces."""

    def __init__(self) -> None:
        self._line = ""  # that has not ended

    def add(self, piece: str, ended: bool) -> str:
        """The lines that end in a piece, or all that is left."""
        text = self._line + piece
        end = len(text) if ended else text.rfind("\n") + 1
        self._line = text[end:]
        return with_tabs(text[:end])
