"""What differs, the table of a comparison, its files and its report."""

import io
import math
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from dashboard.compare.columns import (
    MetricColumn,
    better,
    column_names,
    parse_column,
    run_table,
    titles,
)
from dashboard.compare.differing import (
    besides_seeds,
    differing_names,
    differing_params,
    param_changes,
    param_labels,
)
from dashboard.compare.emphasis import styled
from dashboard.compare.report import Report, ReportChart, report_html
from dashboard.compare.report_chart import ReportCurve, thinned
from dashboard.shared.exported_tables import exported_table, long_histories, to_csv, to_parquet
from dashboard.shared.param_texts import in_order, unique_names
from experiments.core.errors import FilterError
from experiments.diagnosis import diagnose
from experiments.tracking.run import SOURCE, Tag
from tests.support.comparing_runs import make_histories, make_run

SMALL = make_run("small", {"training.learning_rate": "0.01", "model.dropout": "0.5", "seed": "1"})
LARGE = make_run("large", {"training.learning_rate": "0.1", "model.dropout": "0.50", "seed": "2"})
BROKEN = make_run("broken", {"training.learning_rate": "10", "model.act": "relu", "seed": "3"})
RUNS = [SMALL, LARGE, BROKEN]
HISTORIES = make_histories(
    {
        SMALL.id: {
            "loss": [2.0, 1.0, 0.5],
            "val_loss": [2.0, 0.8, 0.9],
            "train_eval_loss": [1.9, 0.7, 0.3],
            "val_accuracy": [0.2, 0.7, 0.6],
        },
        LARGE.id: {"loss": [1.0, 0.9], "val_loss": [1.0, np.nan], "val_accuracy": [0.5, 0.9]},
        BROKEN.id: {"loss": [3.0, np.inf], "val_loss": [3.0, np.nan], "val_accuracy": [0.1, 0.1]},
    }
)


def test_values_are_in_order_of_size_and_the_same_number_is_there_once():
    texts = ["10", "relu", "2", None, "2.0", "gelu", "1e1"]
    assert in_order(texts) == ["2", "10", "gelu", "relu", None]


def test_only_parameters_whose_values_differ_are_shown():
    assert differing_names([SMALL, LARGE]) == ["seed", "training.learning_rate"]
    assert differing_names(RUNS) == ["model.act", "model.dropout", "seed", "training.learning_rate"]
    assert besides_seeds(differing_names([SMALL, LARGE])) == ["training.learning_rate"]
    assert differing_params([SMALL, BROKEN]).loc["model.act"].tolist() == ["–", "relu"]
    assert differing_names([SMALL]) == []


def test_labels_are_short_and_unique():
    assert list(param_labels([SMALL, LARGE]).values()) == ["seed 1", "seed 2"]
    grid = [
        make_run(f"{rate} {drop}", {"training.lr": rate, "model.dropout": drop, "b": "1"})
        for rate in ("0.1", "0.01")
        for drop in ("0", "0.5")
    ]
    assert next(iter(param_labels(grid).values())) == "dropout 0 · lr 0.1"
    twins = [make_run("a", {"x": "1"}, run_id=f"same{i}{'0' * 28}") for i in range(3)]
    twins.append(make_run("a", {"x": "2"}, run_id="f" * 32))
    labels = param_labels(twins)
    assert len(set(labels.values())) == 4
    assert labels["f" * 32] == "x 2"
    assert len(set(unique_names(twins).values())) == 4


def test_names_of_parameters_are_as_long_as_it_takes_to_tell_them_apart():
    runs = [make_run(n, {"encoder.units": n, "decoder.units": n, "act": n}) for n in ("1", "2")]
    names = titles([f"params.{name}" for name in differing_names(runs)])
    assert list(names.values()) == ["act", "decoder units", "encoder units"]


def test_changes_against_a_baseline_are_percent_for_numbers_and_words_for_texts():
    gelu = make_run("gelu", {"training.learning_rate": "0.001", "model.act": "gelu"})
    changes = param_changes([BROKEN, gelu], gelu)
    assert changes.loc["model.act", "broken"] == "gelu → relu"
    assert changes.loc["training.learning_rate", "broken"] == "0.001 → 10 (+999,900 %)"
    assert changes.loc["seed", "broken"] == "– → 3"
    assert param_changes([SMALL, LARGE], SMALL).loc["seed", "large"] == "1 → 2 (+100 %)"


def test_a_column_is_best_last_or_at_an_epoch():
    names = ["best val_loss", "last val_loss", "val_loss at epoch 1", "best val_accuracy"]
    table = run_table(RUNS, HISTORIES, names)
    assert table.index.tolist() == [run.id for run in RUNS]
    assert table["best val_loss"].tolist() == [0.8, 1.0, 3.0]
    assert table["last val_loss"].iloc[0] == 0.9 and table["last val_loss"].iloc[1:].isna().all()
    assert table["val_loss at epoch 1"].iloc[0] == 0.8
    # at the epoch with the lowest val_loss, whose weights are kept: LARGE once had 0.9
    assert table["best val_accuracy"].tolist() == [0.7, 0.5, 0.1]
    assert [better(name) for name in names] == ["lower", "lower", "lower", "higher"]
    assert [parse_column(name).name for name in names] == names
    assert parse_column("f1 at epoch 12") == MetricColumn("f1", 12)


def test_what_was_measured_on_the_test_samples_has_columns_of_its_own():
    metrics = {"test_loss": 0.4, "test_accuracy": 0.8, "test_samples": 30}
    ours = make_run("tested", metrics=metrics, tags={Tag.SOURCE: SOURCE})
    other = make_run("of another tool", metrics={"test_loss": 0.1})
    assert [name for name in column_names([ours, other], HISTORIES) if "test" in name] == [
        "test loss", "test accuracy",
    ]  # fmt: skip
    table = run_table([ours, SMALL], HISTORIES, ["test loss", "test accuracy"])
    assert table.iloc[0].tolist() == [0.4, 0.8] and table.iloc[1].isna().all()
    assert [better(name) for name in table] == ["lower", "higher"]
    assert parse_column("test accuracy") == MetricColumn("accuracy", "test")


def test_the_gap_is_against_test_mode_where_that_was_recorded():
    table = run_table(RUNS, HISTORIES, ["best epoch", "gap at best", "epochs", "duration"])
    assert table["best epoch"].tolist() == [1, 0, 0]
    assert table["gap at best"].tolist() == pytest.approx([0.8 - 0.7, 0.0, 0.0])
    assert table["epochs"].tolist() == [3, 2, 2]
    assert table["duration"].tolist() == [90, 90, 90]


def test_parameters_are_numbers_where_all_are_numbers():
    table = run_table(RUNS, HISTORIES, ["params.model.dropout", "params.model.act"])
    assert table["params.model.dropout"].iloc[:2].tolist() == [0.5, 0.5]
    assert math.isnan(table["params.model.dropout"].iloc[2])
    assert table["params.model.act"].iloc[2] == "relu"
    run_table(RUNS, HISTORIES, column_names(RUNS, HISTORIES))
    assert run_table([], HISTORIES, ["best val_loss"]).empty


def test_values_of_a_run_whose_curves_were_not_read_are_those_that_it_recorded():
    run = make_run("unread", metrics={"best_val_loss": 0.25, "eval_loss": 0.5, "best_epoch": 7})
    names = ["best val_loss", "last val_loss", "best epoch", "epochs"]
    row = run_table([run], HISTORIES, names).iloc[0]
    assert row.iloc[:3].tolist() == [0.25, 0.5, 7]
    assert math.isnan(row["epochs"])


def test_an_unknown_column_is_refused_with_what_is_allowed():
    with pytest.raises(FilterError, match="best, last or test and a metric"):
        run_table(RUNS, HISTORIES, ["worst val_loss"])


def test_the_best_is_bold_and_differences_stand_beside():
    html = styled(run_table(RUNS, HISTORIES, ["best val_loss"]), baseline=SMALL.id).to_html()
    assert html.count("font-weight: bold") == 1
    assert "1.00 (+0.200, +25 %)" in html


def test_a_spreadsheet_takes_no_text_for_a_formula():
    evil = make_run("=HYPERLINK(1)", {"note": "@cmd", "n": "-0.5"}, tags={})
    table = run_table([evil], HISTORIES, ["params.note", "params.n"])
    text = to_csv(exported_table([evil], table)).decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in text and "'@cmd" in text and ",-0.5" in text
    for sign in "=+-@\t\r":
        assert f"'{sign}x" in to_csv(pd.DataFrame({"a": [f"{sign}x"]})).decode()


def test_curves_come_back_from_csv_and_parquet():
    frame = long_histories(RUNS, HISTORIES)
    assert list(frame) == ["run_id", "run", "epoch", "metric", "value", "time"]
    assert len(frame) == 12 + 6 + 6
    back = pd.read_parquet(io.BytesIO(to_parquet(frame)))
    assert back["run"].astype(str).tolist() == frame["run"].astype(str).tolist()
    assert np.array_equal(back["value"], frame["value"], equal_nan=True)
    csv = pd.read_csv(io.BytesIO(to_csv(long_histories(RUNS, HISTORIES, ["val_loss"]))))
    assert csv["metric"].unique().tolist() == ["val_loss"]
    assert csv["value"].iloc[:3].tolist() == [2.0, 0.8, 0.9]
    assert to_csv(long_histories([], HISTORIES)).startswith(b"\xef\xbb\xbfrun_id,")


class _Elements(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= dict(attrs)

    def handle_data(self, data: str) -> None:
        self.said += data


def make_report(runs, histories, **more) -> str:
    curves = [
        ReportCurve(
            run.name, run.color, "validation",
            histories.points(run.id, "val_loss").steps.astype(float),
            histories.points(run.id, "val_loss").values,
        )
        for run in runs
    ]  # fmt: skip
    table = run_table(runs, histories, ["best val_loss", "gap at best", *more.pop("columns", [])])
    made = datetime(2026, 11, 23, tzinfo=UTC)
    chart = ReportChart("val_loss", "epoch", curves)
    return report_html(Report("A comparison", runs, [chart], table, made, **more))


def test_a_report_has_curves_table_verdicts_parameters_and_settings():
    verdicts = {SMALL.id: diagnose(HISTORIES.frame(SMALL.id))}
    report = _Elements(make_report(RUNS, HISTORIES, verdicts=verdicts, settings={"Smoothing": "0"}))
    assert report.tags.count("polyline") == 1 and report.tags.count("table") == 3
    for said in ("A comparison", "small", "0.800", verdicts[SMALL.id].reason, "model.act",
                 "Smoothing", "3 runs"):  # fmt: skip
        assert said in report.said


def test_nothing_that_users_wrote_becomes_html():
    bad = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    runs = [
        make_run(f"{bad}{i}", {"note": f"{bad}{i}", bad: str(i)}, tags={"mlflow.runColor": bad})
        for i in range(2)
    ]
    histories = make_histories({run.id: {"val_loss": [1.0, 0.5]} for run in runs})
    report = make_report(
        runs, histories, settings={bad: bad}, columns=["params.note"], link="javascript:alert(1)"
    )
    elements = _Elements(report)
    assert not {"script", "img", "a"} & set(elements.tags)
    assert "onerror" not in elements.attributes
    assert "<script" not in report and "javascript:" not in report


def test_a_report_asks_no_network_and_stays_small():
    runs = [make_run(f"run {i}", {"seed": str(i)}) for i in range(1000)]
    values = np.random.default_rng(0).random(100).tolist()
    report = make_report(runs, make_histories({run.id: {"val_loss": values} for run in runs}))
    assert len(report) < 2_000_000
    assert "http" not in report.replace("http-equiv", "")


def test_thinning_keeps_the_lowest_and_the_highest_value():
    y = np.random.default_rng(0).normal(size=5000)
    x, kept = thinned(np.arange(5000.0), y, 100)
    assert len(x) <= 102
    assert (kept.min(), kept.max(), x[0], x[-1]) == (y.min(), y.max(), 0, 4999)
