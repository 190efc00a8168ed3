"""A file of arrays that is open: what is in it, and the rows of its arrays in file order."""

import sys
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np

from experiments.core.errors import DatasetError
from experiments.core.sizes import GB, size_text
from experiments.data.reading.reader import Array, Arrays

#: Bytes of all arrays of a file together, as they are declared.
MOST_BYTES = 64 * GB
#: Bytes of one block of samples.
BLOCK_BYTES = 8_000_000
#: Bytes of one text.
LONGEST_TEXT = 4096
#: Numbers that float32 can hold, with either sign.
LARGEST = float(np.finfo(np.float32).max)

_MOST_EXPANSION = 200  # declared bytes for one that is stored, asked from 1 GB on
_SHOWN = 20

#: Gives the next rows of an array, as many as asked for: (count, *shape[1:]). Raises DatasetError
#: that says where the file is damaged.
Rows = Callable[[int], np.ndarray]


class ArrayEntry(NamedTuple):
    """One array in the file, and why it cannot be used ("" where it can).

    ``link_to`` is the path of the array to which a link leads, "" for an array itself.
    """

    array: Array
    dtype: np.dtype
    unusable: str = ""
    link_to: str = ""

    @property
    def path(self) -> str:
        return self.array.path

    @property
    def itself(self) -> str:
        """The path of the array, links followed."""
        return self.link_to or self.path

    @property
    def samples(self) -> int:
        """The length of the first axis; 0 for a single value."""
        return self.array.shape[0] if self.array.shape else 0

    @property
    def numbers(self) -> int:
        """How many numbers one sample has."""
        return product(self.array.shape[1:])

    def __str__(self) -> str:
        shape = ", ".join(f"{length}" for length in self.array.shape)
        comma = "," if len(self.array.shape) == 1 else ""
        return f"{self.path} ({shape}{comma}) {self.array.dtype}"


class ArraySource(Protocol):
    """An open file; ``name`` is what messages call it."""

    name: str
    arrays: tuple[ArrayEntry, ...]

    def rows(self, path: str) -> Rows:
        """The rows of a usable array, from its first one."""
        ...


def as_found(source: ArraySource) -> Arrays:
    """What a reader's ``look`` answers."""
    return Arrays(tuple(listed.array for listed in source.arrays))


def list_text(source: ArraySource) -> str:
    """The arrays of a file for a message, the first 20 of them."""
    texts = [str(listed) for listed in source.arrays[:_SHOWN]]
    more = len(source.arrays) - len(texts)
    return ", ".join(texts) + (f" and {more:,} more" if more else "")


def place(source: ArraySource, path: str, row: int, *index: int) -> str:
    """Where a value is: the file, the array, its index from 0 as Python counts, its row from 1."""
    numbers = ", ".join(str(int(number)) for number in (row, *index))
    return f"{source.name}: {path}[{numbers}] (row {row + 1:,}, from 1)"


def texts_of(values: np.ndarray) -> list[str]:
    """Texts (n,) as Python has them; raises ValueError where one is no UTF-8 or no characters."""
    if values.dtype.kind == "S":
        return [value.decode() for value in values.tolist()]
    values = np.ascontiguousarray(values, values.dtype.newbyteorder("="))
    if (values.view(np.uint32) > sys.maxunicode).any():
        raise ValueError("a number that is not a character")  # NumPy 2.4: SystemError
    texts: list[str] = values.tolist()
    "".join(texts).encode()
    return texts


def why_unusable(dtype: np.dtype) -> str:
    """Why an array of this type is no samples and no targets; "" where it can be."""
    if dtype.names:
        return (
            f"has fields ({', '.join(dtype.names[:5])}). Allowed: arrays of numbers or texts. "
            "Save each field as an array of its own"
        )
    if dtype.kind in "SU" and 0 < dtype.itemsize <= LONGEST_TEXT:
        return ""
    if dtype.kind in "biuf" and not dtype.subdtype:
        return ""
    if dtype.kind in "SU":
        return (
            f"has texts of {size_text(dtype.itemsize)} each. Allowed: 1 to {LONGEST_TEXT:,} bytes"
        )
    return f"holds {dtype}. Allowed: numbers that are not complex, or texts of a fixed length"


def refuse_size(file: str, declared: int) -> None:
    """Raise DatasetError where the arrays of a file are larger together than any is read."""
    if declared > MOST_BYTES:
        raise DatasetError(
            f"{file} declares arrays of {size_text(declared)} together. Allowed: "
            f"{size_text(MOST_BYTES)}. Save fewer samples in one file."
        )


def is_bomb(declared: int, stored: int) -> bool:
    """Whether so much is declared, and so little stored, that only filling makes up for it."""
    return declared > GB and declared > _MOST_EXPANSION * stored


def product(shape: tuple[int, ...]) -> int:
    """How many numbers an array has; without the overflow of NumPy's."""
    count = 1
    for length in shape:
        count *= length
    return count
