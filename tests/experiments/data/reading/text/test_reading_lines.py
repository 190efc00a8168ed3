"""Lines of a text that are no rows, and columns with white space between them."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.text.csv_files import CSV
from experiments.data.reading.text.csv_spaces import Spaces, with_tabs

ROWS = "".join(f"{n}.5,{n % 4},{'xy'[n % 2]}\n" for n in range(30))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.csv"


def looked(path, text, encoding="utf-8", **wanted):
    path.write_bytes(text.encode(encoding))
    found = CSV.look(path, ReadOptions(**wanted))
    return found, CSV.plan(path, found, ReadOptions(**wanted))


def refusal(path, text, encoding="utf-8", **wanted):
    with pytest.raises(DatasetError) as refused:
        looked(path, text, encoding, **wanted)
    return str(refused.value)


# Behind the last row


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-32"])
@pytest.mark.parametrize(
    ("behind", "lines"),
    [
        (",,\n,,\n,,\n", "3 lines"), ("\n\n   \n", "1 line"), ("\x1a", "1 line"),
        ("\r\n,,\r\n\x1a", "2 lines"), ("\n  \t\n, ,", "2 lines"),
        (",,\n" * 60_000, "60,000 lines"),
    ],
)  # fmt: skip
def test_what_stands_behind_the_last_row_is_left_out_and_told(path, behind, lines, encoding):
    found, plan = looked(path, f"a,größe,label\n{ROWS}{behind}", encoding)
    assert found.written.header and found.rows == plan.samples == 30
    assert f"Left out at the end of the file: {lines} without a value." in plan.notes


@pytest.mark.parametrize("end", ["", "\n", "\n\n\r\n", "1.5,,\n", "2.5,,"])
def test_a_last_row_with_a_value_is_kept_and_nothing_is_told(path, end):
    found, plan = looked(path, f"a,b,label\n{ROWS}{end}".replace("label\n", "c\n"), target="a")
    assert found.rows == 30 + ("5" in end)
    assert "Left out at the end" not in " ".join(plan.notes)


def test_white_space_amid_the_rows_is_refused_with_what_to_do(path):
    message = refusal(path, f"a,b,label\n{ROWS}   \n{ROWS}")
    assert "row 31 (of data, from 1): the line has white space only. Delete it." in message


# Above the table


@pytest.mark.parametrize("above", ["# a\n# b\n", "# sold, by year\n# in 2020\n# from us\n", "x\n"])
def test_lines_above_the_table_are_to_be_deleted(path, above):
    message = refusal(path, f"{above}a,b,label\n{ROWS}")
    assert "line 1 has" in message and "Delete what stands above the table" in message


def test_a_delimiter_at_the_end_of_the_rows_alone_is_told(path):
    ended = ROWS.replace("\n", ",\n")
    message = refusal(path, f"a,b,label\n{ended}")
    assert "the rows end with ',', and line 1 does not" in message
    assert looked(path, f"a,b,label,\n{ended}", target="label")[0].rows == 30


# White space between the columns


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("header", ["", "length  width  name  label"])
def test_columns_that_are_padded_are_read(path, header, end):
    rows = [
        f'{n / 2:<8}  {n:>6}.{"" if n % 3 else "  "}\t"car  {n % 3}, new" {n % 2}  '
        for n in range(40)
    ]
    found, plan = looked(path, end.join([header, *rows] if header else rows))
    assert (found.written.delimiter, found.written.header) == ("whitespace", bool(header))
    assert "white space between fields" in found.written.words
    assert found.rows == 40 and found.columns[1].high == 39
    assert plan.features[2].categories == ("car  0, new", "car  1, new", "car  2, new")


@pytest.mark.parametrize("wanted", [{}, {"delimiter": "whitespace"}])
def test_numbers_that_numpy_writes_are_read(path, wanted):
    data = load_iris()
    np.savetxt(path, np.column_stack([data.data, data.target]), fmt="%8.3f")
    found, plan = looked(path, path.read_text(), **wanted)
    assert found.rows == 150 and plan.shape == (4,)
    blocks = CSV.blocks(path, found, plan, ReadOptions(**wanted))
    np.testing.assert_allclose(np.concatenate([b.x for b in blocks]), data.data, rtol=1e-6)


def test_lines_of_padded_columns_are_counted(path):
    rows = "".join(f"{n:>9}   {n % 3}  {n % 2}\n" for n in range(60_000))
    message = refusal(path, f"a  b  label\n{rows}1  2\n{rows}")
    assert "row 60,001 (of data, from 1): 2 cells, where line 1 has 3" in message
    assert "line 60,002 repeats line 1" in refusal(path, f"a  b  label\n{rows}a  b    label\n")


def test_words_are_no_columns(path):
    short = '"a","b","label"\n' + "".join(f'"{n}",{n / 3},{n % 5},{n % 2}\n' for n in range(40))
    assert "Needed: a name for each column" in refusal(path, short)
    assert "one column" in refusal(path, "name\n" + "Anna Berg\nOtto Lind\n" * 20)
    rows = "".join(f"see {n % 3} birds,{n % 2}\n" for n in range(9))
    assert looked(path, f"what it is,label\n{rows}")[0].written.delimiter == ","


def test_many_cells_of_codes_in_many_lines_are_columns(path):
    # As UCI writes German credit
    rows = "".join(
        f"A1{n % 4} {n % 40} A3{n % 5} A4{n % 7} {n * 37} A6{n % 3} A7{n % 2} {n % 2 + 1}\n"
        for n in range(1, 40)
    )
    found, _ = looked(path, rows)
    assert (found.written.delimiter, found.written.header) == ("whitespace", False)
    assert found.rows == 39 and len(found.columns) == 8
    words = "".join(f"{'see the' if n % 2 else 'birds'} of our town today\n" for n in range(40))
    assert "one column" in refusal(path, words)
    assert "one column" in refusal(path, "see the birds of town\nhear the cars of Rome\n" * 20)


@pytest.mark.parametrize("wanted", [{}, {"delimiter": "whitespace"}])
@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("name", ["{n}", "car-{n}"])
def test_names_of_rows_without_a_name_as_r_writes_them(path, name, quote, wanted):
    rows = [f"{quote}{name.format(n=n)}{quote} {n / 2} {n % 7} {n % 2}" for n in range(1, 41)]
    header = " ".join(f"{quote}{name}{quote}" for name in ("mpg", "cyl", "label"))
    found, plan = looked(path, "\n".join([header, *rows]), **wanted)
    assert [column.name for column in found.columns] == ["column 1", "mpg", "cyl", "label"]
    assert found.rows == 40 and [feature.name for feature in plan.features] == ["mpg", "cyl"]
    assert found.columns[1].high == 20
    blocks = CSV.blocks(path, found, plan, ReadOptions(**wanted))
    x = np.concatenate([block.x for block in blocks])
    assert x.shape == (40, 2) and x[0].tolist() == [0.5, 1]


def test_names_of_rows_below_a_line_of_white_space_are_told(path):
    rows = "".join(f"{n} {n / 2} {n % 7} {n % 2}\n" for n in range(1, 41))
    assert "'mpg cyl label' with 3" in refusal(path, f"  \nmpg cyl label\n{rows}")


def test_names_of_rows_between_commas_are_refused_with_what_to_do_in_r(path):
    rows = "".join(f'"{n}",{n / 3},{n % 5},{n % 2}\n' for n in range(40))
    assert "row.names = FALSE" in refusal(path, f'"a","b","label"\n{rows}')


@pytest.mark.parametrize("at", [0, 5, 39])
def test_some_short_lines_of_padded_columns_are_told(path, at):
    lines = [f"{n / 3:.2f}   {n % 5}  {n % 7}  {n % 2}" for n in range(40)]
    lines.insert(at, "0.25     3  1")
    message = refusal(path, "\n".join(["a b c label", *lines]))
    assert "most lines have 4 cells" in message and "'0.25 3 1' with 3" in message
    assert "Write NA" in message


@pytest.mark.parametrize("size", [1, 2, 7])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_pieces_of_padded_columns_make_the_same_lines(size, end):
    text = end.join(['  1   2 "a  b"', "", "3\t\t4 c  ", "5 6 d"])
    spaces, pieces = Spaces(), [text[at : at + size] for at in range(0, len(text), size)]
    made = "".join(spaces.add(piece, False) for piece in pieces) + spaces.add("", True)
    assert made == with_tabs(text) == '1\t2\t"a  b"\n\n3\t4\tc\n5\t6\td'


def test_utf_16_of_other_letters_is_hinted_at(path):
    rows = "".join(f"東京都の名前{'一二三'[n % 3]},太郎{'花子'[n % 2]}\n" for n in range(40))
    assert "utf-16-le" in refusal(path, f"名前,分類\n{rows}", "utf-16-le")
