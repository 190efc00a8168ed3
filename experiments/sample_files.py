"""Samples in files that the user has: rows of numbers, or pictures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_FREE_SIDE = 224  # where a model takes pictures of any size, none is made larger than this


def read_rows(path: Path, features: Sequence[str] = ()) -> list[Any]:
    """The samples in a .npy, .npz (its first array), .csv or .json file; raises InputError.

    The columns of a .csv that has ``features`` among its names are taken in their order.
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
                return read_table(path, features)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    raise InputError(
        f"Received {path.name!r}. Allowed: .npy, .npz, .csv, .json, or a picture "
        "(.png, .jpg, .bmp, .gif, .webp)."
    )


def read_table(path: Path, features: Sequence[str] = ()) -> list[list[Any]]:
    """The rows of a CSV as they are written, numbers as numbers, None where nothing stands.

    Where its first line has the names of all ``features``, these columns are taken in their order;
    else all columns as they come, without a first line of names. Raises InputError.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(path, keep_default_na=False, na_values=[""])
        if features and set(features) <= set(frame.columns):
            frame = frame[list(features)]
        else:
            plain = pd.read_csv(path, header=None, keep_default_na=False, na_values=[""])
            if features and plain.shape[1] != len(features):
                raise InputError(
                    f"{path.name}: received {plain.shape[1]} columns. Allowed: {len(features)}, or "
                    f"columns named {some(features)}."
                )
            # names in the first line make texts of columns that are numbers below it
            named = any(
                pd.api.types.is_numeric_dtype(frame.iloc[:, i])
                and not pd.api.types.is_numeric_dtype(plain.iloc[:, i])
                for i in range(plain.shape[1])
            )
            frame = frame if named and not features else plain
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a CSV: {error}.") from None
    rows: list[list[Any]] = frame.astype(object).where(frame.notna(), None).to_numpy().tolist()
    return rows


def some(names: Sequence[str], most: int = 5) -> str:
    """The first few of some names, and how many more there are."""
    more = f" and {len(names) - most} more" if names[most:] else ""
    return ", ".join(names[:most]) + more


def read_picture(path: Path, shape: tuple[int | None, ...], white: float) -> np.ndarray:
    """A picture file as float32 (height, width, channels), from 0 to ``white``.

    It is brought to the height, width and channels (1 or 3) of ``shape``; where those are None it
    keeps its own proportions, at most 224 pixels a side. Raises InputError for what is no picture.
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
        raise InputError(f"{path.name} is not a picture that can be read: {error}.") from None
    return (pixels.reshape(size[1], size[0], -1) / 255.0 * white).astype(np.float32)
