"""Samples in files that the user has: rows of numbers, or images."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.core.errors import DatasetError, InputError

if TYPE_CHECKING:
    import pyarrow as pa

IMAGES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_FREE_SIDE = 224  # where a model takes images of any size, none is made larger than this


def read_rows(
    path: Path, features: Sequence[str] = (), categories: Sequence[Sequence[str]] = ()
) -> list[Any]:
    """The samples in a .npy, .npz (its first array), .csv or .json file; raises InputError.

    The columns of a .csv that has ``features`` among its names are taken in their order.
    ``categories`` are of each feature, none for numbers; their texts stay as they are.
    """
    try:
        match path.suffix.lower():
            case ".npy":
                return np.load(path, allow_pickle=False).tolist()
            case ".npz":
                with np.load(path, allow_pickle=False) as arrays:
                    return arrays[arrays.files[0]].tolist()
            case ".json":
                return json.loads(path.read_text())
            case ".csv":
                return read_table(path, features, categories)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    raise InputError(
        f"Received {path.name!r}. Allowed: .npy, .npz, .csv, .json, or an image "
        "(.png, .jpg, .bmp, .gif, .webp)."
    )


def read_table(
    path: Path, features: Sequence[str] = (), categories: Sequence[Sequence[str]] = ()
) -> list[list[Any]]:
    """The rows of a CSV, written in any of the ways in which a dataset's file may be: numbers as
    numbers, other texts and features with ``categories`` as they are, None where nothing stands.

    Where its first line has the names of all ``features``, these columns are taken in their order;
    else all columns as they come, without a first line of names. Raises InputError.
    """
    from experiments.data.reading.reader import ReadOptions
    from experiments.data.reading.text.csv_files import read_texts

    try:
        named = bool(features) and set(features) <= set(_first_line(path))
        header = named if features else None
        table, commas = read_texts(path, ReadOptions(header=header))
    except (OSError, DatasetError) as error:
        raise InputError(f"{path.name} cannot be read as a CSV: {error}") from None
    names = list(features) if named else table.column_names
    if features and len(names) != len(features):
        raise InputError(
            f"{path.name}: received {len(names)} columns. Allowed: {len(features)}, or columns "
            f"named {some(features)}."
        )
    texts = [table[name].combine_chunks() for name in names]
    of_names = [bool(some) for some in categories] or [False] * len(names)
    columns = [
        list(column.to_pylist()) if is_name else _as_python(column, name in commas)
        for name, column, is_name in zip(names, texts, of_names, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _first_line(path: Path) -> Sequence[str]:
    from experiments.data.reading.reader import ReadOptions
    from experiments.data.reading.text.csv_detecting import detect

    try:
        return detect(path, ReadOptions(header=True)).names
    except DatasetError:
        return ()  # two cells of it are the same


def _as_python(texts: "pa.Array", decimal_comma: bool) -> list[Any]:
    from experiments.data.reading.tables.column_values import numbers_in

    numbers = numbers_in(texts, decimal_comma)
    if numbers is None:
        return list(texts.to_pylist())
    return [
        int(number) if number is not None and str(text).lstrip("+-").isdigit() else number
        for number, text in zip(numbers.to_pylist(), texts.to_pylist(), strict=True)
    ]


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if names[most:] else ""
    return ", ".join(names[:most]) + more


def read_image(path: Path, shape: tuple[int | None, ...], white: float) -> np.ndarray:
    """An image file as float32 (height, width, channels), from 0 to ``white``.

    It is brought to the height, width and channels (1 or 3) of ``shape``; where those are None it
    keeps its own proportions, at most 224 pixels a side. Raises InputError for what is no image.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    height, width, channels = shape
    try:
        with Image.open(path) as image:
            upright = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
            shrink = max(*upright.size, _FREE_SIDE) / _FREE_SIDE
            size = (
                width or round(upright.width / shrink),
                height or round(upright.height / shrink),
            )
            pixels = np.asarray(upright.resize(size, Image.Resampling.LANCZOS))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path.name} is not an image that can be read: {error}.") from None
    return (pixels.reshape(size[1], size[0], -1) / 255.0 * white).astype(np.float32)
