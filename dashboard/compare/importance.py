"""Which parameters a result depends on, by how much a forecast of it needs to know them.

A random forest (scikit-learn) learns the result from the parameters of two thirds of the runs and
forecasts it for the rest; then the values of one parameter are shuffled among these (permutation
importance; Breiman, 2001), and how much worse the forecast gets is that parameter's importance. On
runs that the forest has not seen, so that a parameter without influence gets about zero however
many values it has. Repeated with other thirds.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dashboard.chart.ranges import Floats, robust_range
from dashboard.compare.columns import param_column
from dashboard.compare.differing import differing_names
from dashboard.shared.param_texts import same_value, short_names, shown_value
from experiments.tracking.runs import Run

FEWEST_RUNS = 10
LOWEST_FIT = 0.1
_MOST_RUNS = 300  # 1,000 runs with 30 parameters took 17 s
_REPEATS = 4
_PARTS = 3
_TREES = 64
_CLEAR = 0.3


class Importance(NamedTuple):
    """What a result depends on.

    ``table``: one row a parameter, most important first, indexed by its name, with ``title``,
    ``importance`` (the share of the differences between runs due to it, alone or with
    others: Sobol's total effect),
    ``spread`` (standard deviation over repetitions), ``rank_correlation`` (Spearman's; NaN for
    words) and ``direction`` in words. ``fit``: the share of the differences that the forecast
    explains in unseen runs (R²). ``problem``: why nothing can be told, else empty; the table is
    then empty.
    """

    target: str
    table: pd.DataFrame
    fit: float
    runs: int
    problem: str


def importance(runs: Sequence[Run], target: pd.Series, seed: int = 0) -> Importance:
    """How much a result depends on each parameter in which the runs differ.

    ``target`` is a column of ``columns.run_table`` (its name becomes the title), indexed by run
    id; runs with NaN there are left out, infinite and far-out values count as the worst of the
    others, and values over decades count by their logarithm. Parameters that some runs do not have
    are used as they are. Two parameters that always change together are one row. Takes 1 to 3 s.
    """
    name = str(target.name)
    known = [run for run in runs if run.id in target.index and not np.isnan(target[run.id])]
    if len(known) > _MOST_RUNS:
        chosen = np.random.default_rng(seed).choice(len(known), _MOST_RUNS, replace=False)
        known = [known[i] for i in sorted(chosen)]
    if len(known) < FEWEST_RUNS:
        return _cannot_tell(
            name, len(known), f"{len(known)} runs have it; needed are at least {FEWEST_RUNS}."
        )
    features = _features(known)
    if not features:
        return _cannot_tell(name, len(known), "These runs do not differ in any parameter.")
    y = _readable(target[[run.id for run in known]].to_numpy(float))
    if np.ptp(y) == 0:
        return _cannot_tell(name, len(known), "It is the same in all these runs.")
    x = np.column_stack([feature.codes for feature in features])
    fit, drops = _forecast(x, y, seed)
    if fit < LOWEST_FIT:
        return _cannot_tell(
            name, len(known),
            "It cannot be predicted from the parameters: chance decides, or more runs are needed "
            "(explained in unseen runs: {max(fit, 0):.0%}).", fit,
        )  # fmt: skip
    table = pd.DataFrame(
        {
            "title": [feature.title for feature in features],
            "importance": drops.mean(axis=0),
            "spread": drops.std(axis=0, ddof=1),
            "rank_correlation": [_rank_correlation(feature, y) for feature in features],
            "direction": [_direction(feature, y) for feature in features],
        },
        index=pd.Index([feature.param for feature in features], name="param"),
    )
    return Importance(
        name, table.sort_values("importance", ascending=False, kind="stable"), fit, len(known), ""
    )


class _Feature(NamedTuple):
    """A parameter as numbers: itself, or the number of its category; NaN where a run lacks it."""

    param: str
    title: str
    codes: Floats
    categories: list[str]


def _features(runs: Sequence[Run]) -> list[_Feature]:
    params = differing_names(runs)
    short = short_names(params)
    found: dict[bytes, _Feature] = {}
    for param in params:
        column = param_column(runs, param)
        categories: list[str] = []
        if column.dtype == object:
            texts = sorted({str(same_value(text)) for text in column if text is not None})
            if len(texts) == len(runs):
                continue  # a name or a note: nothing to learn from
            code = {text: float(i) for i, text in enumerate(texts)}
            categories = [shown_value(text) for text in texts]
            column = np.array(
                [np.nan if text is None else code[str(same_value(text))] for text in column]
            )
        key = _pattern(column)
        same = found.get(key)
        if same is not None:
            found[key] = same._replace(title=f"{same.title}, {short[param]}")
        else:
            found[key] = _Feature(param, short[param], column, categories)
    return list(found.values())


def _pattern(column: Floats) -> bytes:
    """The same for two parameters that cannot be told apart, as they always change together.

    With few values: the same runs share one. With about as many values as runs that is so for any
    two, and the order counts, up or down.
    """
    numbers = np.unique(np.nan_to_num(column, nan=np.inf), return_inverse=True)[1].astype(np.int64)
    first = np.unique(numbers, return_index=True)[1]
    if 2 * len(first) <= len(column):
        return np.argsort(np.argsort(first))[numbers].astype(np.int64).tobytes()
    down = len(first) - 1 - numbers
    return min(numbers.tobytes(), down.tobytes())


def _readable(values: Floats) -> Floats:
    scale = robust_range(values)
    clipped = scale.clip(values)
    return np.log(clipped) if scale.log else clipped


def _forecast(x: Floats, y: Floats, seed: int) -> tuple[float, NDArray[np.float64]]:
    """R² in unseen runs, and what each parameter adds to it: one row a repetition."""
    from sklearn.ensemble import RandomForestRegressor  # 2 s, only where it is asked for
    from sklearn.inspection import permutation_importance
    from sklearn.model_selection import KFold

    variance = float(y.var())
    fits, drops = [], []
    for repeat in range(_REPEATS):
        errors, worse = 0.0, np.zeros(x.shape[1])
        for seen, unseen in KFold(_PARTS, shuffle=True, random_state=seed + repeat).split(x):
            forest = RandomForestRegressor(_TREES, random_state=seed + repeat)
            forest.fit(x[seen], y[seen])
            share = len(unseen) / len(y)
            errors += share * float(np.mean((forest.predict(x[unseen]) - y[unseen]) ** 2))
            found = permutation_importance(
                forest, x[unseen], y[unseen], scoring="neg_mean_squared_error", n_repeats=3,
                random_state=seed + repeat,
            )  # fmt: skip
            worse += share * found.importances_mean
        fits.append(1 - errors / variance)
        drops.append(worse / (2 * variance))  # shuffling doubles the variance that is lost
    return float(np.mean(fits)), np.array(drops)


def _rank_correlation(feature: _Feature, y: Floats) -> float:
    if feature.categories:
        return np.nan
    frame = pd.DataFrame({"x": feature.codes, "y": y}).dropna().rank()
    return float(frame["x"].corr(frame["y"])) if frame.nunique().min() > 1 else np.nan


def _direction(feature: _Feature, y: Floats) -> str:
    if feature.categories:
        middles = pd.Series(y).groupby(feature.codes).median()
        codes = middles.index.to_numpy().astype(int)
        lowest = feature.categories[codes[int(middles.argmin())]]
        highest = feature.categories[codes[int(middles.argmax())]]
        return f"lowest with {lowest}, highest with {highest}" if lowest != highest else ""
    correlation = _rank_correlation(feature, y)
    if np.isnan(correlation) or abs(correlation) < _CLEAR:
        return "neither simply up nor down"
    return "more raises it" if correlation > 0 else "more lowers it"


def _cannot_tell(name: str, runs: int, problem: str, fit: float = np.nan) -> Importance:
    columns = ["title", "importance", "spread", "rank_correlation", "direction"]
    return Importance(name, pd.DataFrame(columns=columns), fit, runs, problem)
