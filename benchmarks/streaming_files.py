"""Files to read, made from random numbers: tables, arrays and images."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
from PIL import Image
from pyarrow import csv, parquet

COLUMNS = 20
_ROWS = 50_000  # drawn and written at a time


def write_csv(path: Path, size: int) -> None:
    """A CSV of at least ``size`` bytes: numbers of four decimals, and a target of three classes."""
    random = np.random.default_rng(0)
    with path.open("wb") as file:
        while file.tell() < size:
            options = csv.WriteOptions(include_header=file.tell() == 0)
            csv.write_csv(_table(random, _ROWS), file, options)


def write_parquet(path: Path, rows: int) -> None:
    """The same as Parquet, in float32."""
    parquet.write_table(_table(np.random.default_rng(0), rows, np.float32), path)


def write_arrays(path: Path, rows: int) -> None:
    """The same as ``x`` and ``y``, NPZ or HDF5 by the name of the file, without a suffix a folder
    of .npy files."""
    random = np.random.default_rng(0)
    x = random.standard_normal((rows, COLUMNS), dtype=np.float32)
    y = random.integers(0, 3, rows)
    if path.suffix == ".npz":
        np.savez(path, x=x, y=y)
        return
    if not path.suffix:
        path.mkdir()
        np.save(path / "x", x)
        np.save(path / "y", y)
        return
    with h5py.File(path, "w") as file:
        file["x"], file["y"] = x, y


def write_images(path: Path, count: int, side: int) -> None:
    """A zip of color JPEGs in three class folders: smooth shapes, as in photographs."""
    random = np.random.default_rng(0)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(count):
            small = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            out = io.BytesIO()
            small.resize((side, side), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
            archive.writestr(f"class {number % 3}/{number}.jpg", out.getvalue())


def _table(random: np.random.Generator, rows: int, dtype: type = np.float64) -> pa.Table:
    values: np.ndarray = random.standard_normal((rows, COLUMNS)).round(4).astype(dtype)
    columns = {f"f{i}": values[:, i] for i in range(COLUMNS)}
    return pa.table(columns | {"target": random.integers(0, 3, rows)})
