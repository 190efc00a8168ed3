"""Dates as people write them, read the same by pandas, and what is unclear in them."""

import numpy as np
import pandas as pd
import pytest

from experiments.data.reading.kinds import reader_of
from experiments.data.reading.reader import ColumnKind, ReadOptions
from experiments.data.reading.storing import look_into, store_file
from experiments.inference.raw_rows import encode_rows

DAYS = pd.date_range("2020-01-01 00:07", periods=400, freq="31h19min")


def table(path, **columns):
    """A file with columns of dates, a number and a label."""
    frame = pd.DataFrame(columns)
    frame["n"] = np.arange(len(frame))
    frame["label"] = frame.n % 2
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


def looked(path, **wanted):
    found, plan = look_into(path, ReadOptions(**wanted))
    return {column.name: column for column in found.columns}, plan


def stored_days(path, **wanted):
    """The first feature of all rows."""
    found, plan = look_into(path, ReadOptions(**wanted))
    assert plan.features[0].kind is ColumnKind.DATE
    blocks = reader_of(path).blocks(path, found, plan, ReadOptions(**wanted))
    return np.concatenate([block.x[:, 0] for block in blocks])


def days_since_1970(moments):
    return ((moments - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy(np.float32)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "dates.csv"


@pytest.mark.parametrize(("written", "unit"), [
    ("%d.%m.%Y", "D"), ("%d/%m/%Y", "D"), ("%m/%d/%Y", "D"), ("%d-%m-%Y", "D"), ("%m-%d-%y", "D"),
    ("%Y/%m/%d", "D"), ("%Y.%m.%d", "D"), ("%d %b %Y", "D"), ("%d-%b-%y", "D"), ("%d %B %Y", "D"),
    ("%B %d, %Y", "D"), ("%b %d %Y", "D"), ("%d.%m.%y %H:%M", "min"), ("%d/%m/%Y %H:%M:%S", "s"),
    ("%m/%d/%Y %I:%M %p", "min"), ("%m/%d/%Y, %I:%M:%S%p", "s"), ("%Y/%m/%dT%H:%M", "min"),
    ("%-m/%-d/%Y", "D"), ("%-d. %-m. %Y", None), ("%Y-%m-%d %H:%M:%S.000 +0000", "s"),
    ("%Y-%m-%d %H:%M:%S UTC", "s"), ("%Y-%m-%d %H:%M:%S.123456789", "s"),
    ("%Y-%m-%dT%H:%M:%S.0000000Z", "s"), ("%Y-%m-%d %H:%M Z", "min"), ("%Y-%m-%dT%H:%MZ", "min"),
    ("%Y-%m", "M"), ("%Y/%m", "M"), ("%b %Y", "M"), ("%B %Y", "M"), ("%b-%y", "M"), ("%b-%Y", "M"),
    ("%Y-%m-%d", "D"), ("%Y-%m-%dT%H:%M:%SZ", "s"),
])  # fmt: skip
def test_dates_are_read_as_they_are_written(path, written, unit):
    table(path, when=DAYS.strftime(written))
    if unit is None:
        assert looked(path)[0]["when"].kind is ColumnKind.TEXT
    else:
        columns, plan = looked(path)
        assert columns["when"].kind is ColumnKind.DATE and not columns["when"].other_format
        assert any("days since 1970: when" in note for note in plan.notes)
        moments = DAYS.to_period("M").start_time if unit == "M" else DAYS.floor(unit)
        np.testing.assert_array_equal(stored_days(path), days_since_1970(moments))


def test_dates_in_texts_of_parquet_are_read_too(tmp_path):
    path = table(tmp_path / "dates.parquet", when=DAYS.strftime("%d/%m/%Y"))
    np.testing.assert_array_equal(stored_days(path), days_since_1970(DAYS.floor("D")))


def test_missing_dates_are_missing(path):
    table(path, when=["", *DAYS[1:].strftime("%d/%m/%Y")])
    assert np.isnan(stored_days(path)[0]) and not np.isnan(stored_days(path)[1:]).any()


@pytest.mark.parametrize("texts", [
    ["31/02/2024", "01/03/2024", "02/03/2024"], ["31/01/2024", "01/31/2024", "02/03/2024"],
    ["29/02/2023", "01/03/2024", "02/03/2024"], ["31/01/2024", "2024-01-31", "01/02/2024"],
    ["31/01/2024", "31.01.2024", "01/02/2024"], ["31/01/2024", "1/2/2024 10:00", "02/03/2024"],
    ["31/01/24", "01/02/2024", "02/03/2024"], ["1.2.3", "4.5.6", "7.8.9"], ["1/2", "3/4", "5/6"],
    ["192.168.1.1", "10.0.0.1", "10.0.0.2"], ["13:05 31/01/2024", "1/2/2024", "2/2/2024"],
    ["31 Foo 2024", "1 Jan 2024", "2 Jan 2024"], ["1/1/24 25:00", "1/1/24 1:00", "1/2/24 1:00"],
])  # fmt: skip
def test_what_is_not_all_dates_of_one_way_is_text(path, texts):
    assert looked(table(path, when=texts * 2))[0]["when"].kind in (
        ColumnKind.TEXT,
        ColumnKind.CATEGORICAL,
    )


def test_dates_written_in_several_ways_are_named(path):
    table(path, when=["31/02/2024", "01/03/2024", "02/03/2024", "04/05/2024"])
    assert any(
        "not all written the same way" in note and "when" in note for note in looked(path)[1].notes
    )


EARLY = pd.to_datetime(["2024-03-04", "2024-05-06", "2024-07-08", "2024-09-10"])


def test_dates_that_can_be_read_either_way_are_read_as_the_user_says(path):
    table(path, when=EARLY.strftime("%m/%d/%Y"))
    notes = " ".join(looked(path)[1].notes)
    assert (
        "Read with the month first, because the file does not show which is meant: when." in notes
    )
    np.testing.assert_array_equal(stored_days(path), days_since_1970(EARLY))
    swapped = pd.to_datetime(EARLY.strftime("%Y-%d-%m"))
    np.testing.assert_array_equal(stored_days(path, dates_first="day"), days_since_1970(swapped))
    assert "Read with" not in " ".join(looked(path, dates_first="day")[1].notes)
    assert looked(path)[0]["when"].days == ("2024-03-04", "2024-09-10")
    assert looked(path, dates_first="day")[0]["when"].days == ("2024-04-03", "2024-10-09")


def test_what_the_file_shows_is_not_overruled(path):
    table(path, when=DAYS.strftime("%d/%m/%Y"))
    assert looked(path, dates_first="month")[0]["when"].date_format == "%d/%m/%Y"


@pytest.mark.parametrize("written", ["%d/%m/%Y", "%m/%d/%Y"])
def test_another_column_shows_what_stands_first(path, written):
    other = DAYS[: len(EARLY) * 10 : 10].strftime(written)
    columns, plan = looked(table(path, when=EARLY.strftime(written), other=other))
    assert columns["when"].date_format == columns["other"].date_format == written
    assert "Read with" not in " ".join(plan.notes)


@pytest.mark.parametrize("written", ["%d/%m/%Y", "%m/%d/%Y"])
def test_dates_of_whole_months_show_it_by_their_day(path, written):
    months = pd.date_range("2020-01-01", periods=30, freq="MS")
    columns, _ = looked(table(path, when=months.strftime(written)))
    assert (columns["when"].date_format, columns["when"].other_format) == (written, "")


def test_a_file_of_dates_without_a_header_has_none(path):
    path.write_text("".join(f"{day:%d/%m/%Y},{n},{n % 2}\n" for n, day in enumerate(DAYS)))
    found, _ = look_into(path, ReadOptions())
    assert not found.written.header and found.rows == len(DAYS)


def test_times_of_samples_may_be_written_so(path):
    table(path, when=DAYS.strftime("%d.%m.%Y %H:%M"))
    found, plan = look_into(path, ReadOptions(time="when"))
    assert plan.time == "when"
    block = next(reader_of(path).blocks(path, found, plan, ReadOptions(time="when")))
    assert (np.diff(block.times) > 0).all()


def test_raw_rows_have_dates_as_in_the_file(workspace, path):
    table(path, when=EARLY.strftime("%d/%m/%Y"))
    info = store_file(path, "dates", ReadOptions(dates_first="day"))
    assert info.date_formats == ("%d/%m/%Y", "")
    rows = encode_rows(info, [["04/03/2024", 1], ["2024-03-04", 1], [19786.0, 1], [None, 1]])
    assert rows[:3, 0].tolist() == [19786.0] * 3 and np.isnan(rows[3, 0])


@pytest.mark.parametrize("key", ["group", "time"])
def test_keys_that_can_be_read_either_way_are_told(path, key):
    table(path, when=EARLY.strftime("%m/%d/%Y"))
    assert (
        "Read with the month first, because the file does not show which is meant: when."
        in " ".join(notes := looked(path, **{key: "when"})[1].notes)
    )
    assert any("stored as days" in note for note in notes) is (key == "time")


YEAR_FIRST = {
    "one year": ["21-01-31", "21-02-15", "22-01-01"],
    "with slashes": ["21/01/31", "21/02/15", "22/01/01"],
    "with points": ["21.01.31", "21.02.15", "22.01.01"],
    "days of a month": ["21-01-05", "21-01-06", "21-01-07", "21-01-08"],
    "whole months": [f"{21 + n // 12}-{n % 12 + 1:02}-01" for n in range(30)],
    "whole months of a year": [f"21-{n % 12 + 1:02}-01" for n in range(12)],
    "days of years": list(pd.date_range("2019-03-01", "2024-05-01").strftime("%y-%m-%d")),
    "of the last century": ["99-01-31", "98-02-15"],
    "with times": ["21-01-31 10:00", "21-02-15 11:00", "22-01-01 12:00"],
}


@pytest.mark.parametrize("texts", YEAR_FIRST.values(), ids=YEAR_FIRST)
def test_years_of_two_digits_may_stand_first(path, texts):
    columns, plan = looked(table(path, when=texts))
    assert columns["when"].date_format.startswith("%y") and not columns["when"].other_format
    assert "nothing shows" not in " ".join(plan.notes)
    moments = pd.to_datetime(texts, format=columns["when"].date_format)
    np.testing.assert_array_equal(stored_days(path), days_since_1970(moments))


@pytest.mark.parametrize("days", [
    pd.date_range("2021-01-01", periods=40), pd.date_range("2020-02-11", periods=900),
    pd.date_range("2023-01-13", periods=5), pd.date_range("2021-05-20", periods=30, freq="W"),
    pd.date_range("2018-01-01", periods=70, freq="MS"),
    pd.date_range("2021-01-01", "2021-12-01", freq="MS"),
])  # fmt: skip
@pytest.mark.parametrize("written", ["%d.%m.%y", "%d-%m-%y", "%d/%m/%y"])
def test_years_of_two_digits_at_the_end_stay_there(path, days, written):
    columns, _ = looked(table(path, when=days.strftime(written)))
    assert (columns["when"].date_format, columns["when"].other_format) == (written, "")


def test_years_that_may_stand_first_or_last_are_told_and_read_as_the_user_says(path):
    table(path, when=["21.01.22", "22.01.21", "21.02.21"])
    notes = " ".join(looked(path)[1].notes)
    assert "Read with the day first, because the file does not show which is meant: when." in notes
    columns, plan = looked(path, dates_first="year")
    assert columns["when"].date_format == "%y.%m.%d"
    assert "nothing shows" not in " ".join(plan.notes)


def test_whole_months_of_years_are_read_so_and_told_where_they_could_be_days_of_2001(path):
    months = pd.date_range("2018-01-01", periods=70, freq="MS")
    columns, plan = looked(table(path, when=months.strftime("%y-%m-%d")))
    assert columns["when"].date_format == "%y-%m-%d"
    assert "Read with the year first, because the file does not show" in " ".join(plan.notes)


def test_another_column_shows_that_years_stand_first(path):
    texts = ["21-01-22", "22-01-21", "21-02-21"]
    columns, _ = looked(table(path, when=texts, other=["99-01-31", "98-02-15", "97-01-01"]))
    assert columns["when"].date_format == "%y-%m-%d" and not columns["when"].other_format


def test_years_of_two_digits_that_lie_in_the_future_are_told(path):
    table(path, born=["1/13/61", "2/14/55", "3/15/85"])
    (told,) = [note for note in looked(path)[1].notes if "in the future" in note]
    assert "up to 2061-01-13: born" in told
    table(path, born=["1/13/81", "2/14/95", "3/15/05"])
    assert "in the future" not in " ".join(looked(path)[1].notes)


@pytest.mark.parametrize("written", [
    "2006-04-{day} 00:30:00.000 +0200", "2006-04-{day}T00:30:00 +02:00",
    "2006-04-{day} 00:30+02:00", "2006-04-{day} 00:30:00.1234567 +0200",
])  # fmt: skip
def test_zones_are_read_as_utc(workspace, path, written):
    texts = [written.format(day=f"{day:02}") for day in range(1, 31)]
    moments = pd.date_range("2006-03-31 22:30", periods=30)
    table(path, when=texts)
    np.testing.assert_array_equal(stored_days(path), days_since_1970(moments))
    info = store_file(path, "zones", ReadOptions())
    rows = encode_rows(info, [[texts[0], 1]])
    np.testing.assert_array_equal(rows[:, 0], days_since_1970(moments[:1]))


def test_months_can_be_the_only_feature(workspace, path):
    path.write_text("Month,Passengers\n" + "".join(
        f"{1949 + n // 12}-{n % 12 + 1:02},{112 + n * 37 % 501}.5\n" for n in range(144)
    ))  # fmt: skip
    info = store_file(path, "air", ReadOptions())
    assert info.feature_names == ("Month",)
    assert encode_rows(info, [["1970-02"], ["1970-02-01"]])[:, 0].tolist() == [31, 31]


@pytest.mark.parametrize("texts", [
    ["2009/10", "2010/11", "2011/12"], ["2009-10", "2010-11"], ["1999-00", "2000-01"],
    [f"20{n:02}-{n + 1:02}" for n in range(13)],
    ["4711-01", "4711-02"], ["2009-13", "2010-11"], ["2009-1", "2009-2"], ["Foo 2009", "Jan 2009"],
])  # fmt: skip
def test_seasons_and_numbers_with_a_dash_are_no_months(path, texts):
    columns, plan = looked(table(path, when=texts * 20))
    assert columns["when"].kind is ColumnKind.CATEGORICAL
    assert "date" not in " ".join(plan.notes)


@pytest.mark.parametrize("repeated", [1, 20])
def test_dates_in_an_unknown_way_are_told(path, repeated):
    texts = [f"2024-01-{day} 10:00 o'clock" for day in range(10, 20)] * repeated
    notes = " ".join(looked(table(path, when=texts))[1].notes)
    assert "dates in an unknown format" in notes
    assert "not all written the same way" not in notes


def test_addresses_and_versions_are_no_dates(path):
    texts = [f"10.2.{n}.17" for n in range(10, 50)]
    assert "dates" not in " ".join(looked(table(path, when=texts))[1].notes)


@pytest.mark.parametrize("written", ["%Y-%m", "%b-%y", "%b %Y"])
def test_months_may_be_names_of_columns(path, written):
    months = pd.date_range("1996-01-01", periods=24, freq="MS").strftime(written)
    rows = "".join(",".join(str(n * 37 % 101 + m) for m in range(24)) + "\n" for n in range(60))
    path.write_text(f"{','.join(months)}\n{rows}")
    assert list(looked(path)[0]) == list(months)
    path.write_text("".join(f"{month},{n}.5\n" for n, month in enumerate(months)))
    columns = looked(path)[0]
    assert list(columns) == ["column 1", "column 2"]
    assert columns["column 1"].kind is ColumnKind.DATE
