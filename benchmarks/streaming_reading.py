"""Each reader of files against the plain tool: looked into, read, stored."""

import io
import os
import shutil
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.processes import Forks
from benchmarks.results import Line, Section

if TYPE_CHECKING:
    from experiments.data.reading.reader import ReadOptions

CSV_BYTES = 60_000_000
ROWS = 1_000_000  # of Parquet, NPZ and HDF5
IMAGES, SIDE = 12_000, 96
_OURS = ("look_into", "samples read, after look_into", "store_file, look_into included")


class Case(NamedTuple):
    """A file, its target, and the tools that it is also read with; the first is the base."""

    file: str
    target: str
    plain: tuple[str, ...]


CASES = (
    Case("table.csv", "target", ("pyarrow.csv", "pandas")),
    Case("table.parquet", "target", ("pyarrow.parquet",)),
    Case("arrays.npz", "y", ("numpy",)),
    Case("arrays of npy", "y", ("numpy, mapped",)),
    Case("arrays.h5", "y", ("h5py",)),
    Case("images.zip", "", ("PIL, in a thread for each core",)),
)


def read_sections(forks: Forks, home: Path, repeats: int) -> list[Section]:
    """Rows a second; each contestant has a process of its own, and the file is in the cache."""
    sections = []
    for case in CASES:
        path = home / case.file
        forks.call(_make, path)
        files = list(path.iterdir()) if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in files) / 1_000_000
        rates: dict[str, list[float]] = {name: [] for name in (*case.plain, *_OURS)}
        for _ in range(repeats):
            for name in rates:
                rates[name].append(forks.call(_read, name, path, case.target))
        lines = [Line(name, found, "") for name, found in rates.items()]
        title = f"{case.file}, {size:,.0f} MB: rows a second (the more the better; no aim is set)"
        sections.append(Section(title, lines, case.plain[0]))
        for file in files:
            file.unlink()
    return sections


def _make(path: Path) -> None:
    from benchmarks import streaming_files as files

    match path.suffix:
        case ".csv":
            files.write_csv(path, CSV_BYTES)
        case ".parquet":
            files.write_parquet(path, ROWS)
        case ".zip":
            files.write_images(path, IMAGES, SIDE)
        case _:
            files.write_arrays(path, ROWS)


def _read(name: str, path: Path, target: str) -> float:
    """Rows a second of one contestant, in this process."""
    from experiments.data.reading.kinds import reader_of
    from experiments.data.reading.reader import ReadOptions
    from experiments.data.reading.storing import look_into

    reader_of(path)  # nobody's imports are measured
    wanted = ReadOptions(target=target)
    if name == _OURS[0]:
        return _rate(lambda: look_into(path, wanted)[1].samples)
    if name == _OURS[1]:
        found, plan = look_into(path, wanted)
        blocks = partial(reader_of(path).blocks, path, found, plan, wanted)
        return _rate(lambda: sum(len(block.y) for block in blocks()))
    if name == _OURS[2]:
        return _rate_of_storing(path, wanted)
    return _rate(_plain(name, path))


def _rate_of_storing(path: Path, wanted: "ReadOptions") -> float:
    from experiments.data.reading.storing import store_file

    home = path.parent / "stored"
    rate = _rate(lambda: store_file(path, "read", wanted, datasets=home).samples)
    shutil.rmtree(home)
    return rate


def _plain(name: str, path: Path) -> Callable[[], int]:
    import h5py
    import numpy as np
    import pandas as pd
    from pyarrow import csv, parquet

    def arrays(opened: Callable[[Path], "np.lib.npyio.NpzFile | h5py.File"]) -> int:
        with opened(path) as file:
            return min(len(file["x"][:]), len(file["y"][:]))

    ways: dict[str, Callable[[], int]] = {
        "pyarrow.csv": lambda: int(csv.read_csv(path).num_rows),
        "pandas": lambda: len(pd.read_csv(path)),
        "pyarrow.parquet": lambda: int(parquet.read_table(path).num_rows),
        "numpy": lambda: arrays(np.load),
        "numpy, mapped": lambda: min(
            len(np.array(np.load(path / f"{name}.npy", mmap_mode="r"))) for name in "xy"
        ),
        "h5py": lambda: arrays(h5py.File),
    }
    return ways.get(name) or partial(_decode_all, path)


def _decode_all(path: Path) -> int:
    import numpy as np
    from PIL import Image

    with zipfile.ZipFile(path) as archive, ThreadPoolExecutor(os.cpu_count()) as threads:

        def decode(file: str) -> int:
            with Image.open(io.BytesIO(archive.read(file))) as image:
                return len(np.asarray(image.convert("RGB"))[:1])

        return sum(threads.map(decode, archive.namelist()))


def _rate(read: Callable[[], int]) -> float:
    began = time.perf_counter()
    rows = read()
    return rows / (time.perf_counter() - began)
