"""Tables in Parquet files: the same as the table in a text file, and what is refused."""

import datetime
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from experiments.core.errors import DatasetError
from experiments.data.catalog import Task
from experiments.data.reading.parquet.parquet_files import PARQUET
from experiments.data.reading.reader import ColumnKind, Reader, ReadOptions
from experiments.data.reading.text.csv_files import CSV


def samples(reader: Reader, path: Path, wanted: ReadOptions | None = None):
    wanted = wanted or ReadOptions()
    found = reader.look(path, wanted)
    plan = reader.plan(path, found, wanted)
    blocks = list(reader.blocks(path, found, plan, wanted))
    x, y = (np.concatenate(parts) for parts in zip(*(block[:2] for block in blocks), strict=True))
    assert x.shape == (plan.samples, *plan.shape)
    return plan, x, y


def frame_of(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    rows = int(random.integers(60, 4000))
    frame = pd.DataFrame(
        {
            "real": random.normal(size=rows),
            "whole": random.integers(-5, 5, rows),
            "flag": random.choice([True, False], rows),
            "word": random.choice(["red", "green", "café, open"], rows),
            "day": pd.Timestamp("1999-12-31")
            + pd.to_timedelta(random.integers(0, 9999, rows), unit="h"),
            "key": [f"id {n}" for n in range(rows)],
            "nothing": None,
        }
    )
    frame.loc[random.random(rows) < 0.1, ["real", "word"]] = None
    target = [
        random.integers(0, 4, rows),
        random.normal(size=rows),
        random.choice([True, False], rows),
        random.choice(["yes", "no"], rows),
        random.choice(["a", "b", "c"], rows),
    ][seed % 5]
    return frame.assign(target=target)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("drop_missing", [False, True])
def test_same_table_gives_the_same_samples_as_text_and_as_parquet(tmp_path, seed, drop_missing):
    frame = frame_of(seed)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.astype({"word": "category"}).to_parquet(tmp_path / "t.parquet", row_group_size=777)
    wanted = ReadOptions(drop_missing=drop_missing)
    plan, x, y = samples(CSV, tmp_path / "t.csv", wanted)
    parquet_plan, parquet_x, parquet_y = samples(PARQUET, tmp_path / "t.parquet", wanted)
    assert plan == parquet_plan
    np.testing.assert_array_equal(x, parquet_x)
    np.testing.assert_array_equal(y, parquet_y)
    assert np.isnan(x).any() is np.bool_(not drop_missing)


def test_types_decide_what_columns_hold(tmp_path):
    day = datetime.date(2020, 1, 1)
    table = pa.table(
        {
            "half": pa.array(np.arange(8, dtype=np.float16)),
            "small": pa.array(range(8), pa.uint8()),
            "money": pa.array([decimal.Decimal(f"{n}.25") for n in range(8)]),
            "date": pa.array([day + datetime.timedelta(n) for n in range(8)]),
            "zoned": pa.array(
                [datetime.datetime(2020, 1, 1, 12)] * 7 + [None], pa.timestamp("ns", "UTC")
            ),
            "word": pa.array(["a", "b"] * 4).dictionary_encode(),
            "large": pa.array(["a", "b"] * 4, pa.large_string()),
            "list": pa.array([[1.0, 2.0]] * 8),
            "struct": pa.array([{"a": 1}] * 8),
            "bytes": pa.array([b"x"] * 8),
            "a.b": pa.array([0.5, None, 1.5, None] * 2),
            "label": pa.array([True, False] * 4),
        }
    )
    path = tmp_path / "types.parquet"
    pq.write_table(table, path)
    plan, x, _ = samples(PARQUET, path)
    kinds = {feature.name: feature.kind for feature in plan.features}
    assert kinds == {
        "half": ColumnKind.NUMERIC,
        "small": ColumnKind.NUMERIC,
        "money": ColumnKind.NUMERIC,
        "date": ColumnKind.DATE,
        "word": ColumnKind.CATEGORICAL,
        "large": ColumnKind.CATEGORICAL,
        "a.b": ColumnKind.NUMERIC,
    }
    np.testing.assert_array_equal(x[3], np.float32([3, 3, 3.25, 18262 + 3, 1, 1, np.nan]))
    notes = " ".join(plan.notes)
    assert "of the type list<element: double>: list" in notes
    assert "of the type binary: bytes" in notes
    for name in ("list", "struct", "bytes"):
        with pytest.raises(DatasetError, match=f"{name!r} is of the type"):
            samples(PARQUET, path, ReadOptions(features=(name,)))
        with pytest.raises(DatasetError, match=f"{name!r} is of the type"):
            samples(PARQUET, path, ReadOptions(target=name))


def test_index_that_pandas_wrote_is_left_out(tmp_path):
    frame = pd.DataFrame({"size": np.arange(8) / 3, "label": ["a", "b"] * 4})
    frame.index = pd.Index(np.arange(8), name=None).astype("int64")
    path = tmp_path / "index.parquet"
    frame.iloc[::-1].to_parquet(path)
    assert "__index_level_0__" in pq.read_schema(path).names
    plan, _, _ = samples(PARQUET, path, ReadOptions(target="label"))
    assert [feature.name for feature in plan.features] == ["size"]


def test_blocks_stay_small_in_one_large_row_group(tmp_path):
    path = tmp_path / "large.parquet"
    numbers = np.arange(120_000)
    pq.write_table(pa.table({"n": numbers, "class": numbers % 3}), path, row_group_size=10**6)
    found = PARQUET.look(path, ReadOptions())
    plan = PARQUET.plan(path, found, ReadOptions())
    blocks = list(PARQUET.blocks(path, found, plan, ReadOptions()))
    assert plan.task is Task.MULTICLASS
    assert max(len(block.x) for block in blocks) <= 50_000
    np.testing.assert_array_equal(np.concatenate([block.y for block in blocks]), numbers % 3)


def test_text_of_megabytes_in_every_row_is_in_memory_once(tmp_path):
    path = tmp_path / "repeated.parquet"
    text = pa.DictionaryArray.from_arrays(np.zeros(40_000, np.int32), ["x" * 2_000_000])
    table = pa.table({"text": text, "n": np.arange(40_000), "class": np.arange(40_000) % 2})
    pq.write_table(table, path, store_schema=False)
    before = pa.default_memory_pool().max_memory()
    column = PARQUET.look(path, ReadOptions()).columns[0]
    assert (column.kind, column.distinct) == (ColumnKind.TEXT, 1)
    assert pa.default_memory_pool().max_memory() - before < 1 << 30


def refusal(path: Path) -> str:
    with pytest.raises(DatasetError) as refused:
        samples(PARQUET, path)
    assert path.name in str(refused.value)
    return str(refused.value)


def good_bytes(tmp_path: Path, **columns: object) -> bytes:
    path = tmp_path / "good.parquet"
    pq.write_table(pa.table(columns or {"a": np.arange(5000) / 7, "y": np.arange(5000) % 2}), path)
    return path.read_bytes()


def test_files_that_are_no_parquet_are_refused(tmp_path):
    path = tmp_path / "bad.parquet"
    good = good_bytes(tmp_path)
    for content, part in (
        (b"", "not a Parquet file"),
        (b"PAR1" * 2, "not a Parquet file"),
        (b"a,b\n1,2\n" * 9, "not a Parquet file"),
        (good[:-100], "cut off"),
        (good[:-8] + b"\xff\xff\xff\x7fPAR1", "declares a footer of 2,147,483,647"),
        (good[:-8] + b"\x10\x00\x00\x00PAR1", "corrupt"),
        (good[:-4] + b"PARE", "encrypted"),
    ):
        path.write_bytes(content)
        assert part in refusal(path)


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_are_refused_or_read_never_worse(tmp_path, seed):
    random = np.random.default_rng(seed)
    content = bytearray(good_bytes(tmp_path))
    for place in random.integers(0, len(content), 5):
        content[place] = random.integers(0, 256)
    path = tmp_path / "damaged.parquet"
    path.write_bytes(content)
    try:
        samples(PARQUET, path)
    except DatasetError as error:
        assert "damaged.parquet" in str(error) or "column" in str(error)


def test_sizes_far_beyond_the_file_are_refused(tmp_path):
    path = tmp_path / "huge.parquet"
    one = pa.table({"a": pa.nulls(10_000_000, pa.float64()), "y": pa.nulls(10_000_000, pa.int8())})
    with pq.ParquetWriter(path, one.schema) as writer:
        for _ in range(15):
            writer.write_table(one, row_group_size=10_000_000)
    assert "declares 150,000,000 rows" in refusal(path)


@pytest.fixture
def one_page(tmp_path):
    """A table whose first column is one page, and where the size of that page unpacked stands."""
    path = tmp_path / "page.parquet"
    a = [f"{n:0100}" for n in range(20_000)]
    table = pa.table({"a": a, "b": np.arange(len(a)) / 7, "y": np.arange(len(a)) % 2})
    pq.write_table(table, path, use_dictionary=False, data_page_size=8 << 20)
    at = pq.ParquetFile(path).metadata.row_group(0).column(0).data_page_offset
    content = bytearray(path.read_bytes())
    assert content[at] == content[at + 2] == 0x15  # fields 1 (its kind) and 2, whole numbers
    return path, content, at + 3


def test_a_page_that_declares_more_than_the_footer_is_refused_before_it_is_unpacked(one_page):
    path, content, at = one_page
    assert samples(PARQUET, path)[0].samples == 20_000
    content[at : at + 4] = b"\xfe\xff\xff\x7f"  # in as many bytes as before
    path.write_bytes(content)
    said = refusal(path)
    assert "the column 'a' of row group 0 (from 0): its pages declare 134,217," in said
    assert "up to page 1, the footer 2,0" in said


def test_a_page_header_that_is_none_is_refused_with_its_place(one_page):
    path, content, at = one_page
    content[at - 3 : at + 20] = b"\xff" * 23
    path.write_bytes(content)
    assert f"the header of the page at byte {at - 3:,} cannot be read" in refusal(path)


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
def test_texts_that_are_stored_by_their_differences_are_read(tmp_path, encoding):
    path = tmp_path / "delta.parquet"
    table = pa.table({"a": ["red", "reed", "blue"] * 50, "y": np.arange(150) % 2})
    ways = {"a": encoding, "y": "PLAIN"}
    pq.write_table(table, path, use_dictionary=False, column_encoding=ways)
    plan, x, _ = samples(PARQUET, path)
    assert plan.features[0].categories == ("blue", "red", "reed")
    assert x[:3, 0].tolist() == [1, 2, 0]


def test_tables_that_hold_nothing_are_refused(tmp_path):
    path = tmp_path / "empty.parquet"
    path.write_bytes(good_bytes(tmp_path, a=pa.array([], pa.int64()), y=pa.array([], pa.int64())))
    assert "no rows" in refusal(path)
    path.write_bytes(good_bytes(tmp_path, a=[[1]], y=[[2]]))
    assert "no columns of single values" in refusal(path)


def test_too_many_columns_and_names_that_repeat_are_refused(tmp_path):
    path = tmp_path / "wide.parquet"
    pq.write_table(pa.table({f"c{n}": [1, 2] for n in range(10_001)}), path)
    assert "10,001 columns" in refusal(path)
    pq.write_table(pa.Table.from_arrays([pa.array([1, 2])] * 3, names=["a", "b", "a"]), path)
    assert "several columns called 'a'" in refusal(path)


@pytest.mark.parametrize("value", [np.inf, 1e39])
def test_numbers_that_cannot_be_stored_are_refused_with_the_row(tmp_path, value):
    path = tmp_path / "inf.parquet"
    path.write_bytes(good_bytes(tmp_path, a=[1.0, None, value, 4.0], y=[0, 1, 0, 1]))
    assert "row 3 (of data, from 1) of the column 'a'" in refusal(path)


def test_targets_that_are_nan_are_refused_with_the_row(tmp_path):
    path = tmp_path / "nan.parquet"
    path.write_bytes(good_bytes(tmp_path, a=[1.0, 2.0, 3.0], y=[0.5, 1.5, np.nan]))
    assert "missing in 1 of 3 rows, first in row 3" in refusal(path)
