"""What the colors of the curves stand for, and which of them are shown."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from dashboard.compare.grouping import group_runs
from dashboard.shared.components import VERDICT
from dashboard.shared.formats import words
from dashboard.shared.param_texts import same_value, shown_value
from experiments.tracking.run import COLORS
from experiments.tracking.runs import Run

BY_RUN, BY_VERDICT, BY_GROUP = "run", "verdict", "group"
#: What a curve is drawn in before it begins to overfit, so that the rest of it stands out.
BEFORE = "#94a3b8"
_NOTHING = "#64748b"
_MOST_VALUES = 10  # of a parameter; more numbers are a scale
# Blue to orange, readable on light and dark ground.
_SCALE = ((37, 99, 235), (8, 145, 178), (22, 163, 74), (202, 138, 4), (217, 100, 10))


class Color(NamedTuple):
    """One entry of the legend; ``key`` stands in the URL."""

    key: str
    label: str
    color: str
    runs: int


class Coloring(NamedTuple):
    """``colors`` by run id, ``keys`` of the legend by run id, and the legend; no legend where each
    run has its own color. ``scale`` says what a color means where it is a scale."""

    colors: Mapping[str, str]
    keys: Mapping[str, str]
    legend: Sequence[Color]
    scale: str = ""

    def shown(self, runs: Sequence[Run], only: Sequence[str]) -> list[Run]:
        """The runs that the legend leaves, all where nothing is picked."""
        known = {color.key for color in self.legend}
        picked = known.intersection(only)
        return [run for run in runs if not picked or self.keys[run.id] in picked]


def by_run(runs: Sequence[Run]) -> Coloring:
    """Each run in its own color; of runs that would share one, the next that is free."""
    colors: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for run in runs:
        color = run.color
        if not run.is_ours and taken[color]:
            color = min(COLORS, key=lambda one: taken[one])
        taken[color] += 1
        colors[run.id] = color
    return Coloring(colors, {}, ())


def by_verdict(runs: Sequence[Run], labels: Mapping[str, str | None]) -> Coloring:
    """By verdict, in the order in which verdicts are always listed."""
    keys = {run.id: labels.get(run.id) or "none" for run in runs}
    shades = {str(label): sign.shade for label, sign in VERDICT.items()}
    named = {key: words(key) if key != "none" else "no verdict" for key in (*shades, "none")}
    return _by_keys(keys, named, shades)


def by_group(runs: Sequence[Run], names: Sequence[str], palette: Sequence[str]) -> Coloring:
    """By the values of some parameters, as the means over groups are."""
    keys: dict[str, str] = {}
    named: dict[str, str] = {}
    shades: dict[str, str] = {}
    for position, group in enumerate(group_runs(runs, names)):
        named[group.label] = group.label
        shades[group.label] = palette[position % len(palette)]
        keys |= {run.id: group.label for run in group.runs}
    return _by_keys(keys, named, shades)


def by_param(runs: Sequence[Run], name: str, palette: Sequence[str]) -> Coloring:
    """By a parameter: many different numbers are a scale, anything else has a color each."""
    values = {run.id: same_value(run.params.get(name)) for run in runs}
    numbers = {v for v in values.values() if isinstance(v, float) and math.isfinite(v)}
    if len(set(values.values())) > _MOST_VALUES and len(numbers) > _MOST_VALUES:
        return _by_number(values, numbers, name)
    return by_group(runs, [name], palette)


def _by_number(values: Mapping[str, object], numbers: set[float], name: str) -> Coloring:
    low, high = min(numbers), max(numbers)
    logarithmic = low > 0 and high / low > 20
    colors = {}
    for run_id, value in values.items():
        if not isinstance(value, float) or not math.isfinite(value):
            colors[run_id] = _NOTHING
        elif logarithmic:
            colors[run_id] = _between(math.log(value / low) / math.log(high / low))
        else:
            colors[run_id] = _between((value - low) / (high - low))
    told = f"{words(name.rpartition('.')[2])}: blue {shown_value(f'{low:g}')} to orange " + (
        f"{shown_value(f'{high:g}')}{', logarithmic' * logarithmic}"
    )
    return Coloring(colors, {}, (), told)


def _between(share: float) -> str:
    place = min(max(share, 0.0), 1.0) * (len(_SCALE) - 1)
    first = min(int(place), len(_SCALE) - 2)
    mixed = (
        round(a + (b - a) * (place - first))
        for a, b in zip(_SCALE[first], _SCALE[first + 1], strict=True)
    )
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _by_keys(
    keys: Mapping[str, str], named: Mapping[str, str], shades: Mapping[str, str]
) -> Coloring:
    counts = Counter(keys.values())
    legend = [
        Color(key, label, shades.get(key, _NOTHING), counts[key])
        for key, label in named.items()
        if counts[key]
    ]
    return Coloring({i: shades.get(key, _NOTHING) for i, key in keys.items()}, keys, legend)
