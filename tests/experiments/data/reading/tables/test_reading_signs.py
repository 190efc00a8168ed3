"""Numbers with something beside them: per cent, currencies, units, and cells that do not fit."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset
from experiments.data.reading.reader import ColumnKind, ReadOptions
from experiments.data.reading.storing import look_into, store_file
from experiments.data.reading.tables.column_tracking import ColumnTracker
from experiments.inference.raw_rows import encode_rows
from experiments.inference.sample_files import read_table


def look(tmp_path, values, **wanted):
    """The column of these values, and the notes."""
    path = tmp_path / "table.csv"
    frame = pd.DataFrame({"kept": values, "size": np.arange(len(values)) / 3})
    frame.assign(label=np.arange(len(values)) % 2).to_csv(path, index=False)
    found, plan = look_into(path, ReadOptions(**wanted))
    return found.columns[0], " ".join(plan.notes)


@pytest.mark.parametrize(("values", "sign", "low", "high"), [
    (["10.25%", "-3 %", "7.5%"], "%", -3, 10.25), (["$5", "-$1,234.50", "$ 3"], "$", -1234.5, 5),
    (["3 €", "-4.5 €", "1\u00a0€"], "€", -4.5, 3), (["£1", "£2.5", "n.a."], "£", 1, 2.5),
    (["\u22125.5", "3", "\u22121,000"], "", -1000, 3), (["\u22125%", "3%", "10%"], "%", -5, 10),
    (["$0", "", "$1"], "$", 0, 1),
])  # fmt: skip
def test_numbers_with_the_same_sign_are_numbers(tmp_path, values, sign, low, high):
    column, notes = look(tmp_path, values * 20)
    assert (column.kind, column.sign) == (ColumnKind.NUMERIC, sign)
    assert (column.low, column.high) == (low, high)
    assert (f"without the sign beside them: kept ({sign})" in notes) is bool(sign)


@pytest.mark.parametrize(("text", "sign", "high"), [
    ("{n},69 €", "€", 40.69), ("-{n},29 %", "%", -1.29), ("3.1{n:02},44 €", "€", 3140.44),
    ("€4.7{n:02},48", "€", 4740.48), ("\N{MINUS SIGN}{n},5", "", -1.5), ("{n},5\u00a0£", "£", 40.5),
])  # fmt: skip
@pytest.mark.parametrize("place", ["feature", "target"])
def test_decimal_commas_are_seen_beside_a_sign(tmp_path, text, sign, high, place):
    values = [text.format(n=n) for n in range(1, 41)]
    cells = [(one, "pq"[n % 2]) for n, one in enumerate(values)]
    rows = [
        f"{n};{';'.join(some if place == 'feature' else some[::-1])}"
        for n, some in enumerate(cells)
    ]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a;b;y", *rows]))
    found, plan = look_into(path, ReadOptions())
    column = found.columns[1 if place == "feature" else 2]
    assert (column.kind, column.decimal_comma) == (ColumnKind.NUMERIC, True)
    assert (column.sign, column.high) == (sign, high)
    if place == "target":
        assert plan.task == "regression"


def test_points_beside_a_sign_that_could_be_either_are_told(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("a;b;y\n" + "".join(f"{n};{31 + n}.606 €;{n % 2}\n" for n in range(40)))
    notes = " ".join(look_into(path, ReadOptions())[1].notes)
    assert "In b: 31.606 is read as 31.606, because the file does not show which is meant." in notes


@pytest.mark.parametrize("values", [
    ["10%", "5"], ["5", "10%"], ["$5", "€5"], ["$", "$$", "$$$"], ["%", "5%"], ["$5", "free"],
])  # fmt: skip
def test_other_signs_are_no_numbers(tmp_path, values):
    assert look(tmp_path, values * 20)[0].kind is ColumnKind.CATEGORICAL


@pytest.mark.parametrize("batches", [[["1%"], ["1"]], [["1"], ["1%"]], [["1%", "2%"], ["$1"]]])
def test_signs_are_the_same_over_batches(batches):
    tracker = ColumnTracker("a", 1)
    for batch in [*batches, *batches]:
        tracker.add(pa.array(batch, pa.string()))
    assert tracker.column().kind is ColumnKind.CATEGORICAL


@pytest.mark.parametrize(("values", "said"), [
    (["50 kg", "51 kg", "7.5 kg"], "look like numbers with kg: '50 kg'"),
    (["(1,234.50)", "3.5", "(7)"], "look like numbers: '(1,234.50)'"),
    (["1,23,456", "1,000", "3,45,678"], "look like numbers: '1,23,456'"),
    (["1,23,456", "2,34,567"], "look like numbers: '1,23,456'"),
    (["5", "10%", "7"], "look like numbers with %: '10%'"),
    (["5", "(7)", "9"], "look like numbers: '(7)'"),
    (["TV", *(f"{n} min" for n in range(40, 90))], "look like numbers with min: '40 min'"),
    (["20 °C", "21.5 °C"], "look like numbers with °C"), (["50km/h", "7km/h"], "with km/h"),
    (["19M", "3.5M"], "with M"), (["₹399", "₹1,099"], "with ₹"),
])  # fmt: skip
def test_categories_that_look_like_numbers_are_told(tmp_path, values, said):
    column, notes = look(tmp_path, values * 20)
    assert column.kind is ColumnKind.CATEGORICAL
    assert said in notes


@pytest.mark.parametrize("values", [
    ["a", "b"], ["1.5 %", "3 €"], ["12 High Street", "7 Low Road"], ["1st", "second"],
    ["3-4", "5-6"], ["A1", "B2"], ["01234", "99999"], ["<=50K", ">50K"],
    ["7370-EEFEJ", "8370-ABCDE"], ["85123A", "71053A"], ["85123A", "71053", "84406B"],
    ["192.168.7.3", "192.168.7.4"], ["2.1.2", "2.1.3"], ["00.00.00", "01.02.00"], ["2nd", "3rd"],
    ["4th", "5th"], ["2D", "3D"], ["4.0 and up", "5.0 and up"], ["20s", "30s"], ["5 kg", "3 m"],
    ["5 pm", "6 pm"], ["5", "6", "7 kg"], ["v1.2", "v1.3"], ["1-2", "3-4"], ["5+", "6+"],
])  # fmt: skip
def test_other_categories_are_not(tmp_path, values):
    assert "look like" not in look(tmp_path, values * 20)[1]


@pytest.mark.parametrize("values", [[1, 2, 3], [1.5, 2.5, 7], ["5 kg", "7 kg", "9 kg"]])
def test_categories_that_were_asked_for_are_not(tmp_path, values):
    assert "look like" not in look(tmp_path, values * 20, categories=("kept",))[1]


def test_a_file_with_signs_can_be_predicted_on_as_it_is(workspace, tmp_path):
    look(tmp_path, ["10%", "5%", "\u22122.5%"] * 20)
    path = tmp_path / "table.csv"
    info = store_file(path, "signs", ReadOptions())
    rows = read_table(path, info.feature_names, info.categories)
    np.testing.assert_array_equal(
        encode_rows(info, rows), load_dataset(DatasetSpec(name=info.name), 1).x
    )
    assert encode_rows(info, [["10 %", 1], ["\u22122.5", 1]])[:, 0].tolist() == [10, -2.5]


def test_several_cells_that_are_no_numbers_are_told(tmp_path):
    values = ["ERR" if n % 16 == 5 else f"{n % 90}.5" for n in range(960)]
    notes = look(tmp_path, values)[1]
    assert "kept is read as categorical, since 60 of its 960 values are no number" in notes
    assert "the first is 'ERR' in row 6" in notes


@pytest.mark.parametrize("written", ["%d/%m/%Y", "%Y-%m-%d", "%m/%d/%y %H:%M", "%d %b %Y"])
@pytest.mark.parametrize(("place", "wrong"), [(0, "30 February"), (700, "31/02/2024"), (9, "77")])
def test_one_date_that_is_none_is_told_with_its_row(tmp_path, written, place, wrong):
    values = list(pd.date_range("2023-01-20", periods=1000).strftime(written))
    values[place] = wrong
    column, notes = look(tmp_path, values)
    assert column.odd.what == "date"
    assert f"1 of its 1,000 values is no date: the first is {wrong!r} in row {place + 1}" in notes


@pytest.mark.parametrize(("batches", "what"), [
    ([["2024-01-31"] * 9, ["2024-02-01"] * 8 + ["soon"]], "date"),
    ([["1.5"] * 9, ["2.5"] * 8 + ["soon"]], "number"),
    ([["yes", "no"] * 9, ["yes"] * 8 + ["soon"]], None),
])  # fmt: skip
def test_what_is_odd_is_found_over_batches(batches, what):
    tracker = ColumnTracker("a", 1)
    for batch in batches:
        tracker.add(pa.array(batch, pa.string()))
    odd = tracker.column().odd
    assert (odd and (odd.count, odd.row, odd.text, odd.what)) == (what and (1, 18, "soon", what))
