"""Numbers that could be thousands or decimals, and digits with spaces between them."""

import pytest

from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.text.csv_files import CSV


@pytest.fixture
def looked(tmp_path):
    def look(text, **wanted):
        path = tmp_path / "t.csv"
        path.write_text(text)
        found = CSV.look(path, ReadOptions(**wanted))
        notes = CSV.plan(path, found, ReadOptions(**wanted)).notes
        told = [note for note in notes if "is read as" in note and "--decimal" in note]
        return {column.name: column for column in found.columns}, told

    return look


def lines(first, row):
    return first + "\n" + "".join(row.format(n=n, odd=n % 2) + "\n" for n in range(1, 9))


def test_points_beside_decimal_commas_are_thousands_and_told(looked):
    text = lines("lat;lon;preis;art", "5{n}.516;1{n}.377;0,{n};{odd}")
    columns, told = looked(text)
    assert columns["lat"].high == 58516
    assert told == [
        "In lat, lon: 51.516 is read as 51516, because other columns have decimal commas. If the "
        "point is decimal, say so in Numbers (--decimal .), which applies to all columns."
    ]
    assert not looked(text.replace("0,", "0."), decimal=".")[1]


@pytest.mark.parametrize(
    ("first", "row", "read"),
    [
        ("a;y", "{n}.500;{odd}", "In a: 1.500 is read as 1.5, because the file does not show"),
        ("a;y", "{n},500;{odd}", "In a: 1,500 is read as 1.5, because the file does not show"),
        ("a\ty", "{n},500\t{odd}", "In a: 1,500 is read as 1500, because the file does not show"),
        ("a,y", '"{n},500",{odd}', "In a: 1,500 is read as 1500, because the file does not show"),
        (
            "a;b;c;y",
            "{n},500;{n},5;{n}.5;{odd}",
            "In a: 1,500 is read as 1.5, because other columns",
        ),
    ],
)
def test_what_nothing_shows_is_told(looked, first, row, read):
    (note,) = looked(lines(first, row))[1]
    assert note.startswith(read)


@pytest.mark.parametrize(
    ("first", "row"),
    [
        ("a,y", "{n}.500,{odd}"),  # commas split cells: points are decimal
        ("a;b;y", "{n}.500;{n}.5;{odd}"),
        ("a;b;y", "{n},500;{n}.5;{odd}"),
        ("a;b;y", "{n},500;{n},5;{odd}"),
        ("a;y", "{n}.1234;{odd}"),
        ("a;word;y", "{n}{n};v 1.500;{odd}"),
    ],
)
def test_what_a_file_shows_is_not_told(looked, first, row):
    assert not looked(lines(first, row))[1]


def test_spaces_group_digits_before_a_point_and_one_or_two_more(looked):
    text = "a,b,y\n" + "".join(f"{n} 100.50,{n},{n % 2}\n90{n}.5,5,1\n" for n in range(1, 9))
    assert (looked(text)[0]["a"].low, looked(text)[0]["a"].high) == (901.5, 8100.5)
    for other in ("1 100", "1 100.505", "12 34.50", "1 100 .50"):
        assert looked(f"{text}{other},1,1\n")[0]["a"].kind != "numeric"
