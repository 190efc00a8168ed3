import struct

import numpy as np
import pytest

from dashboard.chart.curve_chart import Look, compose
from dashboard.chart.curve_data import MOST_LINES, Band, ChartCurve
from dashboard.chart.curve_messages import BACK, Drawing, Stream, header, whole


def curve(y, run_id="a", x=None):
    y = np.asarray(y, dtype=float)
    x = np.arange(len(y), dtype=float) if x is None else np.asarray(x, dtype=float)
    return ChartCurve(run_id, f"run {run_id}", "#3b82f6", "validation", x, y)


def drawing(*curves):
    return Drawing(curves, [], {})


def tails(message):
    """{series: (start, x, y)} as the browser reads them."""
    at = 4 + struct.unpack_from("<I", message)[0]
    assert at % 8 == 0
    (count,) = struct.unpack_from("<Q", message, at)
    at += 8
    firsts = np.frombuffer(message, "<f8", count, at)
    steps = np.frombuffer(message, "<f8", count, at + 8 * count)
    shape = np.frombuffer(message, "<u4", 3 * count, at + 16 * count).reshape(3, count)
    numbers = np.frombuffer(message, "<f4", offset=at + 28 * count)
    y_at, own_at, found = 0, int(shape[2].sum()), {}
    for first, step, (series, start, size) in zip(firsts, steps, shape.T, strict=True):
        x = first + step * np.arange(size)
        if np.isnan(step):
            x = first + numbers[own_at : own_at + size]
            own_at += size
        found[int(series)] = (int(start), x, numbers[y_at : y_at + size])
        y_at += size
    return found


class Browser:
    """What image.js does with messages."""

    def __init__(self):
        self.stream, self.number, self.series = None, -1, {}

    def take(self, message):
        """False where something is missing."""
        head = header(message)
        if head["number"] == 0:
            self.series = {}
        elif head["stream"] != self.stream or head["since"] > self.number:
            return False
        for series, (start, _, y) in tails(message).items():
            self.series[series] = np.concatenate([self.series.get(series, y)[:start], y])
        self.stream, self.number = head["stream"], head["number"]
        return True


def test_whole_message_has_every_point_and_name():
    message = whole(drawing(curve([1, np.nan, 3]), curve([5, 6], "b", x=[1.7e9, 1.7e9 + 2.5])))
    found = tails(message)
    np.testing.assert_array_equal(found[0][2], [1, np.nan, 3])
    np.testing.assert_array_equal(found[0][1], [0, 1, 2])
    np.testing.assert_array_equal(found[1][1], [1.7e9, 1.7e9 + 2.5])
    assert header(message)["names"] == ["run a", "run b"]


def test_uneven_x_keeps_fractions_of_a_second_after_1970():
    x = [1.7e9, 1.7e9 + 0.25, 1.7e9 + 3600.125]
    np.testing.assert_array_equal(tails(whole(drawing(curve([1, 2, 3], x=x))))[0][1], x)


def test_same_drawing_gives_the_same_bytes():
    assert whole(drawing(curve([1, 2]))) == whole(drawing(curve([1, 2])))


def test_band_is_sent_as_three_series():
    x = np.arange(3.0)
    band = Band("lr=0.1", "#000000", x, x - 1, x, x + 1, 5)
    message = whole(Drawing([curve([1, 2])], [band], {}))
    assert [y.tolist() for _, _, y in tails(message).values()][1:] == [
        [-1, 0, 1], [0, 1, 2], [1, 2, 3],
    ]  # fmt: skip


def test_thousand_curves_are_sent_as_four_bytes_a_point():
    curves = [curve(np.ones(100), f"{i:032x}") for i in range(1000)]
    assert len(whole(drawing(*curves))) < 4 * 100_000 + 1000 * 150


@pytest.mark.parametrize("epochs", [10, 10_000])
def test_tick_of_a_live_chart_has_the_same_bytes_at_every_epoch(epochs):
    random = np.random.default_rng(0)
    ys = [random.random(epochs + 10) for _ in range(8)]
    stream, sizes = Stream(), []
    for now in range(epochs, epochs + 10):
        sizes.append(
            len(stream.message(drawing(*(curve(y[:now], str(i)) for i, y in enumerate(ys)))))
        )
    assert max(sizes[BACK:]) < 900


def test_browser_that_misses_some_messages_has_every_point():
    y = np.random.default_rng(0).random(200)
    stream, browser = Stream(), Browser()
    assert browser.take(stream.message(drawing(curve(y[:10]))))
    for now in range(11, 200):
        message = stream.message(drawing(curve(y[:now])))
        if now % BACK == 0:  # Streamlit replaced the others before it sent them
            assert browser.take(message)
            np.testing.assert_array_equal(browser.series[0], y[:now].astype("f4"))


def test_browser_that_missed_more_sees_the_gap():
    y = np.ones(100)
    stream, browser = Stream(), Browser()
    browser.take(stream.message(drawing(curve(y[:10]))))
    messages = [stream.message(drawing(curve(y[:now]))) for now in range(11, 12 + BACK)]
    assert not browser.take(messages[-1])
    assert not Browser().take(messages[-1]), "a tab that was reloaded has nothing"


def test_tick_without_news_sends_the_same_message_again():
    y = np.ones(100)
    stream, browser = Stream(), Browser()
    browser.take(stream.message(drawing(curve(y[:10]))))
    last = stream.message(drawing(curve(y[:11])))
    assert all(stream.message(drawing(curve(y[:11]))) == last for _ in range(2 * BACK))
    assert browser.take(stream.message(drawing(curve(y[:12]))))
    np.testing.assert_array_equal(browser.series[0], y[:12])


def test_values_that_changed_are_sent_again():
    y = np.arange(50.0)
    stream, browser = Stream(), Browser()
    browser.take(stream.message(drawing(curve(y))))
    changed = y.copy()
    changed[40:] += 0.5
    browser.take(stream.message(drawing(curve(changed))))
    np.testing.assert_array_equal(browser.series[0], changed)


def test_curve_that_became_shorter_is_cut():
    stream, browser = Stream(), Browser()
    browser.take(stream.message(drawing(curve(np.arange(50.0)))))
    browser.take(stream.message(drawing(curve(np.arange(30.0)))))
    assert len(browser.series[0]) == 30


def test_other_runs_begin_a_new_stream():
    stream = Stream()
    first = header(stream.message(drawing(curve([1, 2]))))
    other = header(stream.message(drawing(curve([1, 2]), curve([3, 4], "b"))))
    assert (other["number"], other["stream"] != first["stream"]) == (0, True)


def test_many_curves_become_bands_and_highlighted_ones_stay_whole():
    curves = [curve(np.ones(500), str(i)) for i in range(MOST_LINES + 1)]
    drawn = compose(curves, [], Look("val_loss", highlighted=("7",)))
    assert drawn.look["dense"]
    assert [band.name for band in drawn.bands] == ["5–95 %", "25–75 %"]
    assert (len(drawn.curves[7].y), len(drawn.curves[8].y) <= 60) == (500, True)


def test_summary_tells_the_chart_in_words():
    drawn = compose([curve([2, 1]), curve([2, 1e9], "b")], [], Look("val_loss"))
    assert drawn.look["summary"] == (
        "val_loss over epoch: 2 runs; last values from 1.00 (run a) to 1.00e9 (run b); "
        "some lie beyond 1.00 to 2.00."
    )


def test_file_is_named_after_the_metric():
    assert compose([], [], Look("val/loss (mean)")).look["file"] == "val_loss_mean"
