"""What is in a file that a user brings, and what the user wants of it. Nothing here reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from experiments.data.catalog import TEST, Kind, Task

#: A column, or a target, with more different values than this is no category.
MOST_CATEGORIES = 1000
#: Columns of a table, or features of a row.
MOST_COLUMNS = 10_000
#: What stands between the fields of a text, and what it is called.
DELIMITERS = {
    ",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", "whitespace": "white space",
}  # fmt: skip


class ColumnKind(StrEnum):
    """What a column of a table holds; ``empty`` has no value at all."""

    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    CATEGORICAL = "categorical"
    DATE = "date"
    TEXT = "text"
    EMPTY = "empty"


@dataclass(frozen=True)
class OddValues:
    """The values of a column that are no numbers, or dates, as ``what`` says, where nearly all
    are: how many, and the first with its row of data, from 1."""

    count: int
    row: int
    text: str
    what: str = "number"


class Style(NamedTuple):
    """How numbers and dates are written: 1,5 or 1.5, and the format of dates (see date_styles), ""
    where there are none."""

    decimal_comma: bool = False
    date_format: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    kind: ColumnKind
    missing: int
    distinct: int  # how many different values; MOST_CATEGORIES + 1 for more
    categories: tuple[str, ...] = ()  # those values as written, sorted; none where there are more
    low: float | None = None  # of numbers
    high: float | None = None
    examples: tuple[str, ...] = ()  # the first few different values
    is_integer: bool = False  # all its numbers are whole
    is_unique: bool = False  # and all different; of over 100,000, those that are looked at
    is_consecutive: bool = False  # each number is one more than that of the row before
    decimal_comma: bool = False
    date_format: str = ""  # see Style
    other_format: str = ""  # by which all of them are dates as well
    days: tuple[str, str] | None = None  # the first and the last date, as 2024-01-31
    has_time: bool = False  # any date has a time of day
    sign: str = ""  # what stands beside each number, as % does; see number_signs
    odd: OddValues | None = None  # the few that keep it from being numeric, or dates
    code: str = ""  # one of its values, where all are codes of digits, some with leading zeros

    @property
    def style(self) -> Style:
        """How its values are written."""
        return Style(self.decimal_comma, self.date_format)


@dataclass(frozen=True)
class TextDialect:
    """How a text file is written; ``header`` is whether its first line names the columns, and
    ``decimal_comma`` whether any column has numbers like 1,5."""

    delimiter: str
    encoding: str
    header: bool
    bom: bool = False
    decimal_comma: bool = False

    @property
    def words(self) -> str:
        """It as a sentence."""
        bom = " with a BOM" if self.bom else ""
        delimiter = DELIMITERS.get(self.delimiter, self.delimiter)
        commas = ", decimal commas" if self.decimal_comma else ""
        header = "names in the first line" if self.header else "no names of columns"
        return f"Text in {self.encoding}{bom}, {delimiter} between fields{commas}, {header}."


@dataclass(frozen=True)
class Table:
    """The table in a file; ``written`` is None where it is no text."""

    rows: int
    columns: tuple[Column, ...]
    written: TextDialect | None = None


@dataclass(frozen=True)
class Array:
    """One array in a file, by its name or its path in the file."""

    path: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Arrays:
    """The arrays in a file, in its order."""

    arrays: tuple[Array, ...]


class SkippedPart(NamedTuple):
    """A part that is not used, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Images:
    """Images in class folders: how many each class has, and how many there are of each size
    (width, height) and each color mode (L, RGB, RGBA, P …). ``parts`` are how many there are for
    training, validation and test, where there is a folder for each. ``merged`` are classes of more
    than one folder, whose names look the same. ``groups`` is how many are found in the names of
    the images, if asked for. ``untrained`` are classes that no image for training has."""

    classes: tuple[tuple[str, int], ...]
    sizes: tuple[tuple[tuple[int, int], int], ...]
    modes: tuple[tuple[str, int], ...]
    left_out: tuple[SkippedPart, ...] = ()
    parts: tuple[int, ...] = ()
    merged: tuple[str, ...] = ()
    groups: int = 0
    untrained: tuple[str, ...] = ()


FileContents = Table | Arrays | Images


@dataclass(frozen=True)
class ReadOptions:
    """What the user wants of a file; whatever is left out is chosen by rules that are told.

    ``target`` is a column or an array, ``features`` are columns or one array. ``delimiter``,
    ``encoding``, ``header`` and ``decimal`` ("." or ",") correct what was detected; ``dates_first``
    ("day", "month" or "year") says what stands first in dates that can be read in several ways.
    ``drop_missing`` leaves rows with missing features out; else they are kept, as NaN. ``size`` is
    (height, width) to which all images are brought. ``skip_bad`` accepts what is partly good,
    without the bad parts. ``group`` and ``time`` are columns, or arrays, by which the samples can
    be split. ``categories`` are columns that are names, whatever they look like, and ``numbers``
    those that are none, although they look like codes.
    """

    target: str = ""
    features: tuple[str, ...] = ()
    task: Task | None = None
    delimiter: str | None = None
    encoding: str | None = None
    header: bool | None = None
    decimal: str | None = None
    dates_first: str = ""
    drop_missing: bool = False
    size: tuple[int, int] | None = None
    skip_bad: bool = False
    group: str = ""
    time: str = ""
    categories: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()

    def kind_of(self, name: str) -> ColumnKind | None:
        """What a column was asked for as: categorical or numeric; None where nothing was said."""
        if name in self.categories:
            return ColumnKind.CATEGORICAL
        return ColumnKind.NUMERIC if name in self.numbers else None


@dataclass(frozen=True)
class Feature:
    """One feature of a row; a categorical one is stored as the number of its category, a date as
    days since 1970. ``date_format`` is how dates are written (see Style)."""

    name: str
    kind: ColumnKind = ColumnKind.NUMERIC
    categories: tuple[str, ...] = ()
    date_format: str = ""


@dataclass(frozen=True)
class Plan:
    """The samples that would be stored: ``samples`` of ``shape``, as ``dtype``.

    ``features`` are those of rows, none for images and arrays. ``notes`` say what was chosen and
    what is left out. ``parts`` are how many samples the file has for training, validation and test,
    where it divides them; ``part`` is the column of a table that does.
    """

    kind: Kind
    task: Task
    shape: tuple[int, ...]
    samples: int
    dtype: str
    target: str
    class_names: tuple[str, ...] = ()
    features: tuple[Feature, ...] = ()
    notes: tuple[str, ...] = ()
    group: str = ""
    time: str = ""
    part: str = ""
    parts: tuple[int, ...] = ()


def parts_notes(parts: tuple[int, ...], untrained: Sequence[str] = ()) -> tuple[str, ...]:
    """Notes on the parts that a file has, none without any, and on the classes that none of its
    training samples has."""
    if not parts:
        return ()
    named = zip(("training", "validation", "test"), parts, strict=True)
    there = ", ".join(f"{samples:,} for {name}" for name, samples in named if samples)
    kept = " Test samples never train and never validate." if parts[TEST] else ""
    told = f"The file has parts of its own: {there}.{kept}"
    if not untrained:
        return (told,)
    more = f" and {len(untrained) - 10:,} more" if len(untrained) > 10 else ""
    return (
        told,
        f"No training sample has the classes {', '.join(untrained[:10])}{more}: a model gets all "
        "of theirs wrong. Correct their names, or leave them out.",
    )


class Block(NamedTuple):
    """Samples in file order: x is (n, *plan.shape) of plan.dtype; y is (n,), numbers of classes
    (int64) or for a regression float64. Missing features are NaN; targets are never missing.
    ``groups`` (n,) int64 are equal for samples of one group, ``times`` (n,) are float64, ``parts``
    (n,) int8 are the parts of the file that they are in (see catalog)."""

    x: np.ndarray
    y: np.ndarray
    groups: np.ndarray | None = None
    times: np.ndarray | None = None
    parts: np.ndarray | None = None


class Reader(Protocol):
    """One kind of file. Everything raises DatasetError: what was found and where, what is allowed,
    what to do. Memory stays bounded however large the file is."""

    def look(self, path: Path, wanted: ReadOptions) -> FileContents:
        """What is in the file, all of it checked."""
        ...

    def plan(self, path: Path, found: FileContents, wanted: ReadOptions) -> Plan:
        """What would be stored."""
        ...

    def blocks(
        self, path: Path, found: FileContents, plan: Plan, wanted: ReadOptions
    ) -> Iterator[Block]:
        """The samples themselves, once ``look`` and ``plan`` have passed."""
        ...
