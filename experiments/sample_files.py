"""Samples in files that the user has: rows of numbers, or pictures."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from experiments.errors import InputError

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")
_FREE_SIDE = 224  # where a model takes pictures of any size, none is made larger than this


def read_rows(path: Path) -> list[Any]:
    """The samples in a .npy, .npz (its first array), .csv or .json file; raises InputError."""
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
                return _read_csv(path)
    except (OSError, ValueError, IndexError, EOFError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    raise InputError(
        f"Received {path.name!r}. Allowed: .npy, .npz, .csv, .json, or a picture "
        "(.png, .jpg, .bmp, .gif, .webp)."
    )


def _read_csv(path: Path) -> list[Any]:
    import pandas as pd

    frame = pd.read_csv(path, header=None)
    if not all(pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes):
        frame = pd.read_csv(path)  # the first line holds names
    return frame.to_numpy(dtype=np.float32).tolist()


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
