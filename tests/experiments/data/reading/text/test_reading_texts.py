"""Texts as people really write them: encodings, decimal commas, headers of numbers, odd cells."""

import csv

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris

from experiments.core.errors import DatasetError
from experiments.data.catalog import Task
from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.storing import look_into


def looked(path, text, encoding="utf-8", **wanted):
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    found, plan = look_into(path, ReadOptions(**wanted))
    return {column.name: column for column in found.columns}, found.written, plan


def read(path, **wanted):
    found, plan = look_into(path, ReadOptions(**wanted))
    return np.concatenate(
        [b.x for b in reader_of(path).blocks(path, found, plan, ReadOptions(**wanted))]
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.csv"


def refusal(path, text, encoding="utf-8", **wanted):
    with pytest.raises(DatasetError) as refused:
        looked(path, text, encoding, **wanted)
    return str(refused.value)


WORDS = {
    "Swedish": "blå röd grön", "Spanish": "niño año corazón", "Portuguese": "coração ação irmão",
    "French": "naïve où élève forêt cœur", "German": "größe über Äpfel", "Danish": "rød blå æble",
    "Italian": "città però così", "French and German": "Château Léger Müller Österreich",
    "units and signs": "m² km³ 5€ £20 ½ª",
}  # fmt: skip


@pytest.mark.parametrize("language", WORDS)
def test_languages_of_western_europe_are_read_as_such(path, language):
    words = WORDS[language].split()
    rows = "".join(f"{words[n % len(words)]},{n},{n % 2}\n" for n in range(60))
    columns, written, _ = looked(path, f"word,x,label\n{rows}", "cp1252")
    assert written.encoding == "cp1252"
    assert columns["word"].categories == tuple(sorted(words))


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("cp1250", "zażółć gęślą jaźń pchnąć w tę łódź jeża lub ośm skrzyń fig"),
        ("cp1250", "příliš žluťoučký kůň úpěl ďábelské ódy nejlepší město řeka"),
        ("cp1250", "złoty biały mały były gruby czerwony niebieski dobrze było"),
        ("cp1251", "съешь ещё этих мягких французских булок да выпей чаю"),
        ("cp1253", "ξεσκεπάζω την ψυχοφθόρα βδελυγμία καλημέρα κόσμε"),
        ("gb18030", "天地玄黄 宇宙洪荒 日月盈昃 辰宿列张 寒来暑往"),
    ],
)
def test_other_languages_are_not_taken_for_western_ones(path, encoding, words):
    words = words.split()
    rows = "".join(f"{words[n % len(words)]},{n},{n % 2}\n" for n in range(300))
    columns, written, _ = looked(path, f"word,x,label\n{rows}", encoding)
    assert columns["word"].categories == tuple(sorted(set(words))), written.encoding


def test_one_byte_that_is_no_utf_8_among_many_letters_that_are_is_refused_with_its_place(path):
    text = ("word,x,label\n" + "café,1,a\ncrème,2,b\n" * 100).encode() + b"caf\xe9,3,a\n"
    message = refusal(path, text)
    assert "line 202, column 1: bytes E9 are not valid UTF-8" in message


def test_the_first_letter_beyond_ascii_may_come_late(path):
    text = "a,b,label\n" + "1.5,foo,x\n2.5,bar,y\n" * 60_000 + "1.5,Köln,x\n"
    columns, written, _ = looked(path, text, "cp1252")
    assert written.encoding == "cp1252" and "Köln" in columns["b"].categories


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_an_encoding_with_a_mark_of_a_file_without_one_is_refused(path, encoding):
    message = refusal(path, "a,b\n1,2\n3,4\n", encoding=f"{encoding}-le", **{})
    assert "NUL" in message
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match=f"{encoding}-le"):
        look_into(path, ReadOptions(encoding=encoding))


# Numbers


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
def test_decimal_commas_are_read_whatever_stands_between_the_cells(path, separator):
    data = load_iris(as_frame=True).frame
    data.to_csv(path, index=False, sep=separator, decimal=",")
    np.testing.assert_array_equal(read(path), data.to_numpy(np.float32)[:, :4])


def test_commas_and_points_are_judged_by_the_whole_file(path):
    euros = "umsatz;preis;art\n" + "".join(f"{n}.234;{n},50;{n % 2}\n" for n in range(1, 9))
    columns, written, _ = looked(path, euros)
    assert (columns["umsatz"].high, columns["preis"].high) == (8234, 8.5)
    assert written.decimal_comma
    dollars = "sold;price;kind\n" + "".join(f"{n},234;{n}.50;{n % 2}\n" for n in range(1, 9))
    columns, written, _ = looked(path, dollars)
    assert (columns["sold"].high, columns["price"].high) == (8234, 8.5)
    assert not written.decimal_comma
    tabs = "a\tb\tkind\n" + "".join(f"{n},5\t{n},125\t{n % 2}\n" for n in range(1, 9))
    columns, _, _ = looked(path, tabs)
    assert (columns["a"].high, columns["b"].high) == (8.5, 8.125)


def test_how_numbers_are_written_can_be_corrected(path):
    text = "a;y\n" + "".join(f"{n},234;{n % 2}\n" for n in range(1, 9))
    assert looked(path, text)[0]["a"].high == 8.234
    assert looked(path, text, decimal=".")[0]["a"].high == 8234
    text = text.replace(",", ".")
    assert looked(path, text)[0]["a"].high == 8.234
    assert looked(path, text, decimal=",")[0]["a"].high == 8234


def test_lists_in_cells_are_no_numbers_where_points_are_decimal(path):
    rows = "".join(f'"{n % 3},{n % 5}",{n}.5,{n % 2}\n' for n in range(90))
    columns, _, _ = looked(path, f"genres,score,label\n{rows}")
    assert (columns["genres"].kind, columns["score"].kind) == ("categorical", "numeric")


@pytest.mark.parametrize("group", [".", " ", "\u00a0", "\u202f", "'", "’"])
def test_digits_are_grouped_in_many_ways(path, group):
    text = "a;y\n" + "".join(f"{n}{group}234,50;{n % 2}\n" for n in range(1, 9))
    assert looked(path, text)[0]["a"].high == 8234.5


# Headers


def test_names_of_columns_may_be_numbers_but_one(path):
    digits = load_digits()
    frame = pd.DataFrame(digits.data).assign(target=digits.target)
    frame.to_csv(path, index=False)
    _, plan = look_into(path, ReadOptions())
    assert plan.samples == 1797 and len(plan.class_names) == 10


@pytest.mark.parametrize(
    ("first", "rows"),
    [
        ("country,2019,2020,label", "land{n},{n}.5,{n},x"),
        ("label,0,1,2", "{odd},{n},{n},{n}"),
        ("country,2019,2020,region", "land{n},{n}.5,{n},Europe"),
        ("size,7,kind", "{n},{n},x"),
    ],
)
def test_numbers_among_names_are_names(path, first, rows):
    lines = [rows.format(n=n, odd=n % 2) for n in range(9)]
    path.write_text("\n".join([first, *lines]))
    found = reader_of(path).look(path, ReadOptions())
    assert found.written.header and found.rows == 9
    assert [column.name for column in found.columns] == first.split(",")


@pytest.mark.parametrize("first", ["5.1,3.5,setosa", "n.a.,3.5,setosa", "?,3.5,setosa"])
def test_a_first_sample_is_no_header(path, first):
    rows = "".join(f"{n}.5,{n}.25,{'setosa' if n % 2 else 'virginica'}\n" for n in range(20))
    _, written, plan = looked(path, f"{first}\n{rows}")
    assert not written.header and plan.samples == 21


def test_the_separator_that_excel_is_told_is_used_and_skipped(path):
    rows = "".join(f"{n};{n % 2}\n" for n in range(9))
    columns, written, plan = looked(path, f"sep=;\nsize;label\n{rows}")
    assert list(columns) == ["size", "label"] and written.delimiter == ";" and plan.samples == 9
    columns, _, plan = looked(path, f"sep=;\nsize;label\n{rows}", "utf-16")
    assert list(columns) == ["size", "label"] and plan.samples == 9

    broken = ("sep=;\nsize;label\n" + "1;größer\n" * 9).encode() + b"2;gr\xf6\xdfer\n"
    assert "line 12, column 2: bytes F6 are not valid UTF-8" in refusal(path, broken)


def test_spaces_before_quotes_do_not_become_part_of_a_name(path):
    rows = "".join(f'{n}, "c{n % 2}"\n' for n in range(9))
    columns, _, plan = looked(path, f'size, "label"\n{rows}')
    assert list(columns) == ["size", "label"] and plan.class_names == ("c0", "c1")


def test_lines_above_the_table_are_told(path):
    message = refusal(path, "Sales of the year\na,b,label\n1,2,x\n3,4,y\n")
    assert "line 1 has 1 cells, and line 2 has 3" in message
    assert "Delete what stands above the table" in message


# Cells that do not fit


@pytest.mark.parametrize("mark", ["n.a.", ".", "#DIV/0!", "unknown", "?", "-"])
def test_marks_for_what_is_missing_leave_a_column_numeric(path, mark):
    rows = "".join(f"{n / 7:.3f},{n % 2}\n" for n in range(300))
    columns, _, _ = looked(path, f"a,label\n{rows}{mark},0\n")
    assert (columns["a"].kind, columns["a"].missing) == ("numeric", 1)


def test_one_cell_that_is_no_number_is_told_with_its_row(path):
    ages = "".join(f"{n % 61 + 18},{n % 2}\n" for n in range(300))
    columns, _, plan = looked(path, f"age,label\n{ages}none of it,1\n")
    assert columns["age"].kind == "categorical" and columns["age"].odd.row == 301
    assert any(
        "1 of its 301 values is no number: the first is 'none of it' in row 301" in note
        for note in plan.notes
    )
    prices = "".join(f"{n % 2},{n * 1.1:.2f}\n" for n in range(300))
    message = refusal(path, f"a,price\n{prices}1,gratis\n")
    assert "the first is 'gratis' in row 301" in message and "Correct that value" in message
    lengths = "".join(f"{n / 7:.4f},{n % 5},{n % 2}\n" for n in range(300))
    plan = looked(path, f"length,n,label\n{lengths}long,1,1\n")[2]
    assert [feature.name for feature in plan.features] == ["n"]
    assert any("length is read as text" in note and "row 301" in note for note in plan.notes)
    names = "".join(f"name {n % 9},{n % 2}\n" for n in range(30))
    assert looked(path, f"who,label\n{names}")[0]["who"].odd is None


def test_a_question_mark_is_missing_in_every_column(path):
    rows = "".join(f"{['private', 'state', '?'][n % 3]},{n},{n % 2}\n" for n in range(30))
    columns, _, _ = looked(path, f"work,n,label\n{rows}")
    assert columns["work"].categories == ("private", "state") and columns["work"].missing == 10
    assert "'label' is missing in 1 of 31 rows" in refusal(path, f"work,n,label\n{rows}state,1,?\n")


# Columns that teach nothing, or less than they seem to


@pytest.mark.parametrize(
    ("name", "first", "step"),
    [
        ("Id", 1, 1), ("PassengerId", 892, 1), ("id", 1000, 1), ("customer_id", 7, 3),
        ("", 0, 1), ("", 1, 1), ("Unnamed: 0", 0, 1),
    ],
)  # fmt: skip
def test_ids_are_no_features(path, name, first, step):
    rows = "".join(f"{first + step * n},{n % 7},{n % 2}\n" for n in range(3000))
    plan = looked(path, f"{name},size,label\n{rows}")[2]
    assert [feature.name for feature in plan.features] == ["size"]
    assert any("rows" in note or "row:" in note for note in plan.notes)
    asked = looked(path, f"{name},size,label\n{rows}", features=(name or "column 1", "size"))[2]
    assert len(asked.features) == 2


@pytest.mark.parametrize("name", ["paid", "day", "grid", "year", "x"])
def test_numbers_that_count_under_other_names_stay(path, name):
    rows = "".join(f"{n},{n % 7},{n % 2}\n" for n in range(300))
    plan = looked(path, f"{name},size,label\n{rows}")[2]
    assert [feature.name for feature in plan.features] == [name, "size"]


def test_whole_numbers_that_float32_cannot_tell_apart_are_told(path):
    rows = "".join(f"{20200101 + n % 28},{1_600_000_000 + n},{n},{n % 2}\n" for n in range(100))
    _, _, plan = looked(path, f"day,second,n,label\n{rows}")
    assert [feature.name for feature in plan.features] == ["day", "n"]
    notes = " ".join(plan.notes)
    assert "day is stored in steps of 2" in notes
    assert "float32, in which samples are stored, cannot tell them apart: second" in notes


@pytest.mark.parametrize(("low", "high", "task"), [
    (1990, 2008, Task.REGRESSION), (18, 35, Task.REGRESSION), (3, 9, Task.MULTICLASS),
    (0, 9, Task.MULTICLASS), (1, 26, Task.MULTICLASS),
])  # fmt: skip
def test_years_and_ages_are_amounts_and_labels_are_classes(path, low, high, task):
    values = [low + n % (high - low + 1) for n in range(900)]
    rows = "".join(f"{n % 13},{value}\n" for n, value in enumerate(values))
    assert looked(path, f"a,b\n{rows}")[2].task is task


# Files that are something else


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"\x89PNG\r\n\x1a\n....", "one image"), (b"PAR1....PAR1", "Parquet"),
        (b"\x1f\x8b\x08\0", "gzip"), (b"\x89HDF\r\n\x1a\n", "HDF5"), (b"PK\3\4....", "Excel"),
    ],
)  # fmt: skip
def test_files_are_named_by_what_they_are(path, content, what):
    assert what in refusal(path, content)


def test_a_header_alone_and_a_single_row_are_told(path):
    assert "a header and no rows" in refusal(path, "a,b,label")
    assert "has one row" in refusal(path, "a,b,label\n1,2,3\n")


def test_a_file_that_quotes_everything_is_read(path):
    data = load_iris(as_frame=True).frame
    data.to_csv(path, index=False, quoting=csv.QUOTE_ALL)
    np.testing.assert_array_equal(read(path), data.to_numpy(np.float32)[:, :4])
