"""Whether the first line of a text names its columns, and what is told where it is not clear."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris

from experiments.core.errors import DatasetError
from experiments.data.reading.reader import ReadOptions
from experiments.data.reading.text.csv_files import CSV


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.csv"


def looked(path, text=None, **wanted):
    if text is not None:
        path.write_text(text)
    found = CSV.look(path, ReadOptions(**wanted))
    return found, CSV.plan(path, found, ReadOptions(**wanted))


def refusal(path, text, **wanted):
    with pytest.raises(DatasetError) as refused:
        looked(path, text, **wanted)
    return str(refused.value)


def told(plan):
    return [note for note in plan.notes if note.startswith("The first line")]


# Headers of numbers


@pytest.mark.parametrize("index", [False, True])
@pytest.mark.parametrize("load", [load_iris, load_digits])
def test_the_header_that_pandas_writes_for_an_array_is_no_sample(path, load, index):
    data = load()
    frame = pd.DataFrame(np.column_stack([data.data, data.target]))
    if load is load_digits:
        frame = frame.astype(int)
    frame.to_csv(path, index=index)
    found, plan = looked(path)
    assert found.written.header and plan.samples == len(frame)
    assert len(plan.class_names) == len(data.target_names) and not told(plan)


def test_years_over_numbers_that_are_no_years_are_names(path):
    rows = "".join(f"{n},{n * 7 % 50},{n * 3 % 20},{n % 2}\n" for n in range(30))
    found, plan = looked(path, f"2019,2020,2021,2022\n{rows}")
    assert found.written.header and found.rows == 30 and not told(plan)


def test_whole_numbers_that_may_be_names_or_a_sample_are_told(path):
    rows = "".join(f"{n % 3},{n % 4},{n % 5}\n" for n in (7, 11, 6, 3, 9, 8, 14))
    found, plan = looked(path, f"0,1,2\n{rows}")
    assert not found.written.header
    assert "0, 1, 2" in told(plan)[0] and "--header" in told(plan)[0]
    assert not told(looked(path, header=False)[1])
    some = "1,2,3\n" + rows * 3  # counts by chance
    assert told(looked(path, f"0,1,2\n{some}")[1]) and not told(looked(path, f"1,2,3\n{some}")[1])


@pytest.mark.parametrize(
    ("first", "row"),
    [
        ("0,1,2", "{n},{more},{most}"),  # each counts
        ("0,2,5", "{n},{odd},{n}.5"),
        ("0.0,1.0,0", "{n}.5,{n}.5,{odd}"),
    ],
)
def test_a_first_sample_of_numbers_is_no_header_and_nothing_is_told(path, first, row):
    lines = [row.format(n=n, more=n + 1, most=n + 2, odd=n % 2) for n in range(1, 30)]
    found, plan = looked(path, "\n".join([first, *lines]))
    assert found.rows == 30 and not told(plan)


# A first sample that lacks a number


@pytest.mark.parametrize("first", ["NA,Iris-setosa", "unknown,red,good", "<0.5,red,good",
                                   "5kg,red,good", ",,good", "NA,red,good"])  # fmt: skip
def test_a_first_sample_without_its_number_is_kept(path, first):
    words = ["red,good", "blue,bad", "red,good", "blue,good", ",bad"]
    words = words if first.count(",") > 1 else ["Iris-setosa", "Iris-virginica"]
    rows = "".join(f"{n / 4},{words[n % len(words)]}\n" for n in range(40))
    found, _ = looked(path, f"{first}\n{rows}")
    assert not found.written.header and found.rows == 41


@pytest.mark.parametrize("first", ["size,mass,other", "id,none,kind", "FR,NA,label",
                                   "5kg,10kg,kind"])  # fmt: skip
def test_a_name_that_is_a_value_or_a_mark_among_other_names_is_one(path, first):
    rows = "".join(f"{n}.5,{n * 2},{['other', 'big'][n % 2]}\n" for n in range(20))
    found, plan = looked(path, f"{first}\n{rows}")
    assert found.written.header and found.rows == 20 and not told(plan)


def test_one_name_over_numbers_beside_one_that_is_a_value_is_told(path):
    rows = "".join(f"{n}.5,{['other', 'big'][n % 2]}\n" for n in range(20))
    found, plan = looked(path, f"size,other\n{rows}")
    assert found.written.header and "size, other" in told(plan)[0]
    assert "--no-header" in told(plan)[0]
    found, plan = looked(path, "5.1,high,setosa\n" + "5.0,3.2,setosa\n4.9,3.1,virginica\n" * 9)
    assert not found.written.header and "--header" in told(plan)[0]


# Headers that stand twice, and on two lines


@pytest.mark.parametrize(
    "again", ["size,name,label", " size, name ,label", "\ufeffsize,name,label"]
)
@pytest.mark.parametrize("at", [20, 3000])
def test_a_header_that_comes_again_is_refused_with_its_line(path, at, again):
    rows = [f"{n}.5,word {n % 5},{n % 2}" for n in range(4000)]
    header = "size,name,label"
    lines = [header, *rows[:at], again.format(header), *rows[at:]]
    assert f"line {at + 2:,} repeats line 1" in refusal(path, "\n".join(lines))


def test_the_line_of_a_repeated_header_counts_what_an_editor_shows(path):
    rows = [f'{n}.5,"two\nlines",{n % 2}\n' for n in range(40)]
    message = refusal(path, "".join(["a,b,label\n", *rows[:10], "\n", "a,b,label\n", *rows[10:]]))
    assert "line 23 repeats line 1" in message


def test_samples_of_texts_may_be_equal_to_the_first(path):
    found, _ = looked(path, "red,big\nblue,small\nred,big\nblue,big\n" * 10)
    assert not found.written.header and found.rows == 40


@pytest.mark.parametrize(
    ("first", "second"), [("size,mass,label", "cm,kg,class"), (",a,b", ",x,y"), ("a,a,b", "x,y,z")]
)
def test_names_on_two_lines_are_refused_with_what_to_do(path, first, second):
    rows = "".join(f"{n},{n * 3}.5,{n % 2}\n" for n in range(30))
    message = refusal(path, f"{first}\n{second}\n{rows}")
    assert "line 2 has names too" in message and "delete line 2" in message


def test_a_first_row_of_odd_cells_is_no_second_header(path):
    rows = "".join(f"{n},name {n % 9},{n % 2}\n" for n in range(30))
    found, _ = looked(path, f"size,name,label\nnone of it,Anna,1\n{rows}")
    assert found.rows == 31


# Numbers that count, by chance or as names


@pytest.mark.parametrize("split", [",", " ", "\t"])
@pytest.mark.parametrize(
    "rows",
    [
        ["0,1", "0.1,0.995", "0.2,0.980", "0.3,0.955", "0.4,0.921"],
        ["1,2", "0.5,1.7", "1.3,2.4", "0.8,1.9", "1.6,2.2"],
        ["1,2,3", "0.5,1.7,3.3", "1.3,2.4,2.2", "0.8,1.9,2.8", "1.6,2.2,3.1"],
    ],
)
def test_a_first_sample_of_fractions_that_counts_is_kept_and_told(path, rows, split):
    found, plan = looked(path, "\n".join(rows).replace(",", split))
    assert not found.written.header and found.rows == len(rows)
    assert "--header" in told(plan)[0]


@pytest.mark.parametrize("first", ["0,1,2", "2000,2001,2002", "0,1,2,3,4"])
def test_names_that_count_far_from_fractions_or_over_texts_are_names(path, first):
    many = first.count(",") + 1
    fractions = "".join(",".join([f"{50 + n}.5"] * many) + "\n" for n in range(20))
    texts = "".join(
        ",".join([f"{n / 7:.3f}"] * (many - 1) + ["ab"[n % 2]]) + "\n" for n in range(9)
    )
    for rows in (fractions, texts):
        found, plan = looked(path, f"{first}\n{rows}")
        assert found.written.header and not told(plan)


def test_two_fractions_and_classes_below_a_count_are_told(path):
    rows = "".join(f"{n / 7 + 0.01:.3f},{n / 9 + 0.01:.3f},{n % 3}\n" for n in range(20))
    found, plan = looked(path, f"0,1,2\n{rows}")
    assert found.written.header and "--no-header" in told(plan)[0]


_FOUR = ["Peru", "Chad", "Cuba", "Iran"]


@pytest.mark.parametrize(
    "first",
    ["country,2000,2001", "Country,1/22/20,1/23/20", "Region,2020-01-31,2020-02-29", ",2000,2001",
     "country," + ",".join(map(str, range(1800, 1850))), ",0,1,2"],
)  # fmt: skip
def test_years_and_dates_beside_names_that_come_once_are_names(path, first):
    numbers = first.count(",")
    rows = [",".join([name, *(f"{50 + 9 * n}.{k % 9}" for k in range(numbers))])
            for n, name in enumerate(_FOUR)]  # fmt: skip
    found, plan = looked(path, "\n".join([first, *rows]))
    assert found.written.header and found.rows == 4 and not told(plan)


def test_years_among_the_numbers_below_them_are_names_and_told(path):
    rows = "".join(f"{name},{n * 900 + 700},{n * 1100 + 900}\n" for n, name in enumerate(_FOUR))
    found, plan = looked(path, f"STATE,2010,2020\n{rows}")
    assert found.written.header and "--no-header" in told(plan)[0]
    found, plan = looked(path, "Oslo,2010\n" + "Bergen,700\nStavanger,2900\n" * 5)
    assert not found.written.header and "--header" in told(plan)[0]


def test_an_index_of_texts_without_a_name_beside_a_count_is_one(path):
    rows = "".join(f"row {n},{n % 3},{n % 4},{n % 2}\n" for n in range(20))
    found, plan = looked(path, f",0,1,2\n{rows}")
    assert found.written.header and found.rows == 20 and not told(plan)


def test_a_text_and_two_small_numbers_that_count_are_a_sample_and_told(path):
    rows = "Bergen,3,1\nStavanger,5,2\nBergen,2,2\nBergen,4,1\nStavanger,1,1\n"
    found, plan = looked(path, f"Oslo,1,2\n{rows}")
    assert not found.written.header and found.rows == 6 and "--header" in told(plan)[0]


@pytest.mark.parametrize(
    ("first", "row"),
    [
        ("No,Message,Category", "{n},hello {odd},{word}"),
        ("true,pred", "{odd},{n}"),
        ("Name,Yes,Kind", "Person {n},{n},{word}"),
        ("True,Kind", "{n}.5,{word}"),
        ("No,Yes", "{n}.5,{word}"),
    ],
)
def test_a_name_that_is_a_word_for_a_truth_elsewhere_is_one(path, first, row):
    rows = [row.format(n=n, odd=n % 2, word=["spam", "ham"][n % 2]) for n in range(1, 21)]
    found, plan = looked(path, "\n".join([first, *rows]))
    assert found.written.header and found.rows == 20 and not told(plan)


def test_a_boolean_above_booleans_is_a_sample(path):
    rows = "".join(f"Person {n % 7},{['Yes', 'No'][n % 2]}\n" for n in range(20))
    found, _ = looked(path, f"Anna,Yes\n{rows}")
    assert not found.written.header and found.rows == 21


def test_one_date_over_numbers_beside_a_text_is_told(path):
    rows = "".join(f"{name},{n}.5,{n}\n" for n, name in enumerate(_FOUR * 3))
    found, plan = looked(path, f"Region,2020-01-31,9\n{rows}")
    assert not found.written.header and "--header" in told(plan)[0]
