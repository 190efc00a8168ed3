"""Tables in text files: how they are written is detected, and what is wrong in them is placed."""

import codecs
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, load_wine

from experiments.core.errors import DatasetError
from experiments.data.catalog import Task
from experiments.data.reading.reader import ColumnKind, ReadOptions, Table
from experiments.data.reading.text.csv_files import CSV

ROWS = "\n".join(f"{n}.5,{'ab'[n % 2]},{n % 3}" for n in range(30))


def written(
    tmp_path: Path, text: str | bytes, encoding: str = "utf-8", name: str = "t.csv"
) -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def look(path: Path, **wanted: object) -> Table:
    return CSV.look(path, ReadOptions(**wanted))


def kinds(table: Table) -> dict[str, str]:
    return {column.name: str(column.kind) for column in table.columns}


def samples(path: Path, wanted: ReadOptions | None = None):
    wanted = wanted or ReadOptions()
    found = CSV.look(path, wanted)
    plan = CSV.plan(path, found, wanted)
    blocks = list(CSV.blocks(path, found, plan, wanted))
    x = np.concatenate([block.x for block in blocks])
    y = np.concatenate([block.y for block in blocks])
    assert (len(x), *x.shape[1:], str(x.dtype)) == (plan.samples, *plan.shape, plan.dtype)
    return plan, x, y


def refusal(path: Path, **wanted: object) -> str:
    with pytest.raises(DatasetError) as refused:
        samples(path, ReadOptions(**wanted))
    assert path.name in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_real_table_comes_back_as_it_was(tmp_path, load):
    data = load(as_frame=True)
    frame = data.frame.assign(target=data.target_names[data.target])
    path = tmp_path / "real.csv"
    frame.to_csv(path, index=False)
    plan, x, y = samples(path)
    assert plan.task is Task.MULTICLASS
    assert plan.class_names == tuple(data.target_names)
    assert [feature.name for feature in plan.features] == list(data.feature_names)
    np.testing.assert_array_equal(x, data.data.to_numpy(np.float32))
    np.testing.assert_array_equal(y, data.target)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_pandas_writes_is_read_back_equal(tmp_path, seed):
    random = np.random.default_rng(seed)
    rows = int(random.integers(40, 3000))
    delimiter = str(random.choice([",", ";", "\t", "|"]))
    encoding = str(random.choice(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    words = np.array(["Größe", 'ein "Wort"', "a,b;c\td|e", "zwei\nZeilen", "été"])
    frame = pd.DataFrame(
        {
            "Zahl": random.normal(scale=10.0 ** random.integers(-20, 20), size=rows),
            "whole": random.integers(-1000, 1000, rows),
            "mögen": random.choice([True, False], rows),
            "word, of many": words[random.integers(0, len(words), rows)],
            "day": pd.Timestamp("1960-02-28")
            + pd.to_timedelta(random.integers(0, 30_000, rows), unit="D"),
            "last": random.normal(size=rows),
        }
    )
    frame.loc[random.random(rows) < 0.1, "Zahl"] = np.nan
    path = tmp_path / "frame.csv"
    frame.to_csv(path, index=False, sep=delimiter, encoding=encoding)
    plan, x, y = samples(path)
    found = look(path)
    assert found.rows == rows
    assert found.written.delimiter == delimiter
    assert found.written.bom == (encoding in ("utf-8-sig", "utf-16"))
    categories = plan.features[3].categories
    assert categories == tuple(sorted(set(frame["word, of many"])))
    np.testing.assert_array_equal(x[:, 0], frame["Zahl"].to_numpy(np.float32))
    np.testing.assert_array_equal(x[:, 1], frame["whole"])
    np.testing.assert_array_equal(x[:, 2], frame["mögen"])
    assert [categories[int(place)] for place in x[:, 3]] == list(frame["word, of many"])
    np.testing.assert_array_equal(x[:, 4], (frame["day"] - pd.Timestamp(0)).dt.days)
    np.testing.assert_array_equal(y, frame["last"])


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_detected(tmp_path, delimiter):
    table = look(written(tmp_path, "a,b,c\n1,x,3\n2,y,4\n".replace(",", delimiter)))
    assert table.written.delimiter == delimiter
    assert kinds(table)["a"] == "numeric"


def test_delimiter_is_not_taken_from_within_cells(tmp_path):
    rows = "".join(f'"one, two, {n}";{n},5;{n % 2}\n' for n in range(20))
    table = look(written(tmp_path, "text;size;class\n" + rows))
    assert table.written.delimiter == ";"
    assert table.columns[1].high == 19.5


def test_decimal_comma_without_a_header_is_told_from_commas_between_cells(tmp_path):
    table = look(written(tmp_path, "".join(f"{n},5;{n},25\n" for n in range(10))))
    assert table.written.delimiter == ";"
    assert not table.written.header
    assert [column.high for column in table.columns] == [9.5, 9.25]


@pytest.mark.parametrize(
    ("first", "header"),
    [("size,name", True), ("1.5,name", False), ("2020-01-01,name", False), (",name", True)],
)
def test_header_is_a_line_of_texts_above_numbers(tmp_path, first, header):
    table = look(written(tmp_path, f"{first}\n" + "".join(f"{n},x{n}\n" for n in range(9))))
    assert table.written.header is header
    assert table.rows == (9 if header else 10)


def test_texts_only_have_a_header_if_it_is_not_repeated_below(tmp_path):
    assert look(written(tmp_path, "color,size\nred,big\nblue,big\n")).written.header
    assert not look(written(tmp_path, "red,big\nblue,small\nred,big\n")).written.header
    assert not look(written(tmp_path, "red,red\nblue,small\n")).written.header


def test_what_was_detected_can_be_corrected(tmp_path):
    path = written(tmp_path, "1|2,5\n3|4,6\n")
    table = look(path, delimiter="|", header=True, encoding="latin-1")
    assert [column.name for column in table.columns] == ["1", "2,5"]
    assert (table.rows, table.written.encoding) == (1, "iso8859-1")


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
    ],
)
def test_byte_order_mark_names_the_encoding(tmp_path, encoding, mark):
    path = written(tmp_path, mark + "größe,ß\n1,ä\n2,ö\n".encode(encoding))
    for wanted in ({}, {"encoding": encoding.rsplit("-", 1)[0] if "8" not in encoding else None}):
        table = look(path, **wanted)
        assert [column.name for column in table.columns] == ["größe", "ß"]
        assert (table.written.encoding, table.written.bom) == (encoding, True)


@pytest.mark.parametrize(
    ("encoding", "line"),
    [
        ("cp1252", "Straße;Köln;Größe"),
        ("cp1252", "José;Málaga;François"),
        ("cp1251", "Мария Иванова;Новосибирск;работает врачом"),
        ("cp1250", "Žofie;Plzeň;Děčín"),
        ("cp932", "太郎;東京;名前"),
    ],
)
def test_encoding_without_a_mark_is_guessed(tmp_path, encoding, line):
    text = "a;b;c\n" + f"{line}\n" * 30
    table = look(written(tmp_path, text, encoding))
    assert [column.categories for column in table.columns] == [(word,) for word in line.split(";")]


def test_columns_are_told_apart_by_their_values(tmp_path):
    rows = [
        f"{n}.5e-2,{n % 2},{'yes' if n % 2 else 'No'},2020-01-{n % 28 + 1:02d} 12:00,"
        f"{'red blue'.split()[n % 2]},free text {n},,{'?' if n == 3 else n}"
        for n in range(40)
    ]
    header = "number,zero_one,answer,day,color,text,nothing,marked"
    table = look(written(tmp_path, "\n".join([header, *rows])))
    assert list(kinds(table).values()) == [
        *("numeric", "numeric", "boolean", "date", "categorical", "text", "empty", "numeric")
    ]
    marked = table.columns[7]
    assert (marked.missing, marked.low, marked.high, marked.distinct) == (1, 0.0, 39.0, 39)
    assert table.columns[4].categories == ("blue", "red")
    assert table.columns[6].missing == 40


def test_marks_are_texts_where_the_others_are_no_numbers(tmp_path):
    table = look(written(tmp_path, "n,sign\n" + "".join(f"{n},{'+-.'[n % 3]}\n" for n in range(9))))
    assert table.columns[1].categories == ("+", "-", ".")
    assert table.columns[1].missing == 0


@pytest.mark.parametrize("missing", ["", "NA", "N/A", "NaN", "null", "None", '""', " NA "])
def test_missing_values_are_nan_in_the_samples(tmp_path, missing):
    text = "a,word,target\n" + "".join(f"{n},w{n % 2},{n / 4}\n" for n in range(8))
    plan, x, _ = samples(written(tmp_path, text + f"{missing},{missing},1.1\n"))
    assert np.isnan(x[-1]).all()
    assert not np.isnan(x[:-1]).any()
    assert any("Missing" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("text", "number"), [("1e3", 1000), ('"12,345.5"', 12345.5), ("-.5E-2", -0.005), ("+7", 7)]
)
def test_numbers_may_have_exponents_and_grouped_thousands(tmp_path, text, number):
    table = look(written(tmp_path, f"a,b\n1,x\n{text},y\n"))
    assert table.columns[0].kind is ColumnKind.NUMERIC
    assert number in (table.columns[0].low, table.columns[0].high)


@pytest.mark.parametrize("second", ['"1,5"', "1_000", "0x10", "1 2"])
def test_what_only_looks_like_a_number_is_none(tmp_path, second):
    table = look(written(tmp_path, f"a,b\n1.5,x\n{second},y\n2,z\n", name="n.csv"), delimiter=",")
    assert table.columns[0].kind is not ColumnKind.NUMERIC


def test_points_and_commas_in_one_column_are_no_numbers_however_far_apart(tmp_path):
    rows = ["1.234"] + ["7"] * 700_000 + ["1,5"]
    path = written(tmp_path, "a;b\n" + "".join(f"{number};x\n" for number in rows))
    assert look(path).columns[0].kind is ColumnKind.CATEGORICAL


def test_kinds_do_not_depend_on_where_blocks_end(tmp_path):
    rows = ["12345", *["7"] * 700_000, '"1,234"', ".5"]
    path = written(tmp_path, "a,b\n" + "".join(f"{number},x\n" for number in rows))
    column = look(path).columns[0]
    assert (column.kind, column.high) == (ColumnKind.NUMERIC, 12345.0)
    assert column.categories == (".5", "7", "1,234", "12345")


def test_quoted_cells_keep_lines_delimiters_and_quotes(tmp_path):
    text = 'a,b\r\n"two\r\nlines",1\r\n"say ""hi"", you",2\r\n' * 1
    table = look(written(tmp_path, text))
    assert table.columns[0].examples == ("two\r\nlines", 'say "hi", you')


def test_text_longer_than_a_category_is_text_and_shown_cut(tmp_path):
    text = "a,b\n" + "".join(f"{'x' * 5000},{n}\n" for n in range(10))
    column = look(written(tmp_path, text)).columns[0]
    assert (column.kind, column.distinct) == (ColumnKind.TEXT, 1)
    assert len(column.examples[0]) < 200


def test_rows_of_many_blocks_agree_with_the_plan(tmp_path):
    rows = 200_000
    text = "a,b\n" + "".join(f"{n % 1000},{n % 7}\n" for n in range(rows))
    path = written(tmp_path, text)
    found = CSV.look(path, ReadOptions())
    plan = CSV.plan(path, found, ReadOptions())
    blocks = list(CSV.blocks(path, found, plan, ReadOptions()))
    assert max(len(block.x) for block in blocks) <= 50_000
    y = np.concatenate([block.y for block in blocks])
    np.testing.assert_array_equal(y, np.arange(rows) % 7)
    assert y.dtype == np.int64


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        (b"", ["empty"]),
        (b"\xef\xbb\xbf \n", ["empty"]),
        (b"a,b,c\n", ["header and no rows"]),
        (b"a,b\n1,2\n3,4,5\n", ["row 2", "3 cells", "has 2", "'3,4,5'"]),
        (b"a,b\n1,2\n\n3\n", ["row 2", "1 cells"]),
        (b"1,2\n3,4\n5\n", ["row 3"]),
        (b"a,b\n1,x\n2,y\0z\n", ["line 3, column 2", "NUL"]),
        (b"a,a,b\n1,2,3\n", ["'a' 2 times", "columns 1, 2"]),
        (b'a,b\n1,2\n3,"4\n5,6\n', ["row 2", "column 2", "never closed"]),
        (b"a\n1\n2\n", ["one column"]),
        (b"a" * 2_000_000 + b",b\n1,2\n", ["line 1", "longer"]),
        (b"a,b\n1,2\n3," + b"x" * 3_000_000 + b"\n4,5\n", ["longer than 1,048,576"]),
        (b'a,b\n1,2\n3,"' + b"x,\n" * 1_000_000, ["line ", "Close every quote"]),
        (b"a,b\n1," + b"x" * 200_000 + b"\n", ["line 2", "131,072"]),
    ],
)
def test_broken_files_are_refused_with_the_place(tmp_path, content, parts):
    message = refusal(written(tmp_path, content))
    for part in parts:
        assert part in message


def test_hundred_thousand_columns_are_refused(tmp_path):
    line = ",".join(f"c{n}" for n in range(100_000))
    message = refusal(written(tmp_path, f"{line}\n"))
    assert "line 1 has 100,000 columns" in message
    assert "10,000" in message


def test_bytes_of_another_encoding_are_refused_with_line_and_column(tmp_path):
    rows = "name,größe\n".encode() + b"word,1\n" * 300_000 + "Größe,2\n".encode("cp1252")
    path = written(tmp_path, rows)
    message = refusal(path)
    assert "line 300,002, column 1" in message
    assert "F6" in message and "UTF-8" in message
    assert look(path, encoding="cp1252").columns[0].categories == ("Größe", "word")


def test_utf_16_without_a_mark_is_refused_and_read_when_told(tmp_path):
    path = written(tmp_path, "a,b\n1,2\n3,4\n", "utf-16-le")
    assert "utf-16-le" in refusal(path)
    assert look(path, encoding="utf-16-le").rows == 2


@pytest.mark.parametrize("encoding", ["zlib", "idna", "rot13", "unicode_escape", "nonsense"])
def test_encodings_that_are_none_of_files_are_refused(tmp_path, encoding):
    with pytest.raises(DatasetError, match="Unknown encoding"):
        look(written(tmp_path, "a,b\n1,2\n"), encoding=encoding)


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "·"])
def test_delimiters_that_cannot_be_are_refused(tmp_path, delimiter):
    with pytest.raises(DatasetError, match="as delimiter"):
        look(written(tmp_path, "a,b\n1,2\n"), delimiter=delimiter)


def test_columns_without_a_name_are_numbered_with_a_note(tmp_path):
    plan, _, _ = samples(
        written(tmp_path, ",b,class\n" + "".join(f"{n * 2}.5,1.{n},{n % 2}\n" for n in range(9)))
    )
    assert [feature.name for feature in plan.features] == ["column 1", "b"]
    assert "no name" in plan.notes[0]


def test_file_that_changes_after_the_look_is_refused(tmp_path):
    path = written(tmp_path, f"size,letter,class\n{ROWS}\n")
    found = CSV.look(path, ReadOptions())
    plan = CSV.plan(path, found, ReadOptions())
    path.write_text(path.read_text().replace(",b,", ",new,"))
    with pytest.raises(DatasetError, match="other values"):
        list(CSV.blocks(path, found, plan, ReadOptions()))
