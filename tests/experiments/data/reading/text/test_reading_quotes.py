"""Quotes around cells: which lines they would swallow, and where."""

import pytest

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.text.csv_files import CSV
from experiments.data.reading.text.csv_stream import Quotes


def look(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text, newline="")
    return CSV.look(path, ReadOptions())


def rows(opened=(), inner="note{n}", end="\n"):
    return "a,n,label" + end + "".join(
        f"{n},{chr(34) * (n in opened)}{inner.format(n=n % 3)},{n % 2}{end}" for n in range(40)
    )  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "sep=,\n"])
def test_rows_do_not_vanish_between_quotes_that_were_not_closed(tmp_path, before, end):
    with pytest.raises(DatasetError) as refused:
        look(tmp_path, before + rows((10, 20), end=end))
    first = 13 if before else 12
    assert f"line {first} is closed in line {first + 10} only" in str(refused.value)


def test_they_are_found_far_into_a_large_file(tmp_path):
    many = "a,n,label\n" + '1.5,"a ""word"", or\ntwo",0\n' * 60_000
    assert look(tmp_path, many).rows == 60_000
    with pytest.raises(DatasetError, match=r"line 120,012 is closed in line 120,022 only"):
        look(tmp_path, many + rows((10, 20)).partition("\n")[2])


@pytest.mark.parametrize(
    "inner", ['"note{n}" ', '"6" pipe"', '5" pipe', '5" x 6"', '"say ""{n}"""', '"two\nlines {n}"']
)
def test_quotes_that_swallow_no_line_are_read(tmp_path, inner):
    assert look(tmp_path, rows(inner=inner)).rows == 40
    assert look(tmp_path, rows(inner=inner, end="\n\n")).rows == 40


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize(
    ("text", "odd"),
    [('a,"b"\n"c""d",e\n"",""', False), ('"a\nb"c', True), ('"a""b" ,c', True), ('"a"', False)],
)
def test_text_behind_a_quote_is_noticed_wherever_pieces_end(text, odd, size):
    quotes = Quotes(",")
    data = text.encode()
    for start in range(0, len(data), size):
        quotes.add(data[start : start + size])
    assert (quotes.odd, quotes.count) == (odd, data.count(b'"'))


@pytest.mark.parametrize("split", [",", ";", "\t"])
@pytest.mark.parametrize("behind", [" ", "   ", "\t"])
def test_white_space_between_a_quote_and_its_comma_is_no_text(tmp_path, behind, split):
    if behind == split:
        pytest.skip("it is an empty cell")
    inner = f'"two\nlines, ""{{n}}""{split}"{behind}'
    text = "".join(f"{n}{split}{inner.format(n=n % 3)}{split}{n % 2}\n" for n in range(40))
    found = look(tmp_path, f"a{split}n{split}label\n{text}")
    assert found.rows == 40 and found.columns[1].distinct == 3
    with pytest.raises(DatasetError, match="with text behind it"):
        look(tmp_path, f'a{split}n{split}label\n{text}1{split}"x\ny"{behind}z{split}1\n')
