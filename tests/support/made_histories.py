"""Synthetic histories whose truth is known, because it is decided on the curve without noise.

Every maker draws its shape, length (8 to 600 epochs), scale (1e-6 to 1e6) and noise from one seeded
generator; the lengths 5 and 50,000 have tests of their own. Truth is taken from the definitions in
docs/diagnosis.md, with a margin, so that what is made here is a clear case.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.diagnosis import Label

Floats = NDArray[np.float64]


class Case(NamedTuple):
    """A history, what it shows, and where its validation loss without noise is lowest."""

    history: pd.DataFrame
    truth: Label
    shape: str
    clean_val_loss: Floats | None = None
    constant_loss: float | None = None


def cases(seed: int, count: int) -> Iterator[Case]:
    """`count` clear cases, every truth and every shape in turn."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        yield MAKERS[i % len(MAKERS)](rng)


def length(rng: np.random.Generator, shortest: int = 8, longest: int = 600) -> int:
    return int(np.exp(rng.uniform(np.log(shortest), np.log(longest + 1))))


def noise_level(rng: np.random.Generator, n: int) -> float:
    """Relative noise of one validation loss: a short history cannot be clear when very noisy."""
    most = 0.01 if n < 12 else 0.025 if n < 25 else 0.05 if n < 60 else 0.1
    return float(rng.choice([0.0, 0.003, 0.01, 0.025, 0.05, 0.1]).clip(0, most))


def disturbed(rng: np.random.Generator, clean: Floats, sigma: float) -> Floats:
    """Noise in one of several kinds, all of relative size `sigma`."""
    n = len(clean)
    kind = rng.choice(["multiplicative", "constant", "correlated", "heavy_tailed"])
    white = rng.normal(size=n)
    if kind == "constant":
        return clean + sigma * float(np.median(clean)) * white
    if kind == "correlated":
        for i in range(1, n):
            white[i] = 0.5 * white[i - 1] + np.sqrt(0.75) * white[i]
    if kind == "heavy_tailed":
        white = rng.standard_t(4, size=n) / np.sqrt(2)
    return clean * np.maximum(1 + sigma * white, 0.05)


def with_spikes(rng: np.random.Generator, values: Floats) -> Floats:
    n = len(values)
    if n < 12 or rng.random() > 0.25:
        return values
    values = values.copy()
    for at in rng.choice(np.arange(2, n), size=max(1, n // 60), replace=False):
        values[at] *= rng.uniform(1.5, 6)
    return values


def build(rng: np.random.Generator, truth: Label, shape: str, train: Floats, val: Floats) -> Case:
    """Add noise, spikes, gaps, a scale and now and then accuracies to clean curves."""
    n = len(val)
    sigma = noise_level(rng, n)
    scale = 10 ** rng.uniform(-6, 6) if rng.random() < 0.3 else 1.0
    noisy_val = with_spikes(rng, disturbed(rng, val, sigma)) * scale
    noisy_train = with_spikes(rng, disturbed(rng, train, sigma / 3)) * scale
    frame = pd.DataFrame({"loss": noisy_train, "val_loss": noisy_val})
    frame.index.name = "epoch"
    what = rng.random()
    if what < 0.05 and n >= 40:
        frame.loc[frame.index % 4 != 3, "val_loss"] = np.nan
    elif what < 0.1 and n >= 20:
        frame = frame.drop(index=rng.choice(np.arange(1, n - 1), size=n // 5, replace=False))
    elif what < 0.15 and n >= 12:
        frame.loc[n // 2, ["loss", "val_loss"]] = np.nan
    return Case(frame, truth, shape, val * scale)


def time(n: int) -> Floats:
    """From 0 to 1 over the run."""
    return np.arange(n) / (n - 1)


def fall(rng: np.random.Generator, n: int, start: float, floor: float) -> tuple[str, Floats]:
    """A curve that falls from `start` to about `floor` and has leveled off by the end."""
    t = time(n)
    kind = str(rng.choice(["exponential", "stretched", "power", "logistic", "steps", "two_rates"]))
    if kind == "exponential":
        share = np.exp(-t * rng.uniform(5, 15))
    elif kind == "stretched":
        share = np.exp(-((t * rng.uniform(12, 30)) ** 0.7))
    elif kind == "power":
        share = (1 + t * rng.uniform(60, 200)) ** -rng.uniform(0.8, 1.5)
    elif kind == "logistic":
        middle, width = rng.uniform(0.15, 0.4), rng.uniform(0.03, 0.06)
        share = 1 / (1 + np.exp((t - middle) / width))
        share /= share[0]
    elif kind == "steps":
        share = np.exp(-t * rng.uniform(10, 15))
        share = np.where(t < 0.5, 0.25 + 0.75 * share, 0.25 * np.exp(-(t - 0.5) * 20))
    else:
        share = 0.8 * np.exp(-t * 25) + 0.2 * np.exp(-t * rng.uniform(5, 7))
    return kind, floor + (start - floor) * share


def good_fit(rng: np.random.Generator) -> Case:
    n = length(rng)
    start = rng.uniform(0.6, 4)
    floor = start * rng.uniform(0.01, 0.3)
    kind, val = fall(rng, n, start * rng.uniform(0.8, 1.05), floor)
    gap = rng.choice([0.0, 0.1, 0.3, -0.2])
    train = start * (val / val[0])
    train = train * (1 - gap * time(n) ** 0.5)
    if rng.random() < 0.25:
        # Slightly past its best, by less than what counts as overfitting.
        kind += "_slight_rise"
        val = val + val.min() * rng.uniform(0.0, 0.04) * time(n) ** 2
    return build(rng, Label.good_fit, f"good_{kind}", train, val)


def good_after_double_descent(rng: np.random.Generator) -> Case:
    n = length(rng, 40)
    t = time(n)
    middle, width = rng.uniform(0.25, 0.45), rng.uniform(0.06, 0.1)
    val = 0.2 + np.exp(-t * 18) + rng.uniform(0.1, 0.4) * np.exp(-(((t - middle) / width) ** 2))
    val += 0.12 * (1 - t) ** 4
    return build(rng, Label.good_fit, "double_descent", 1.2 * np.exp(-t * 8) + 0.02, val)


def overfitting(rng: np.random.Generator) -> Case:
    n = length(rng)
    t = time(n)
    start = rng.uniform(0.6, 4)
    floor = start * rng.uniform(0.1, 0.7)
    turn = rng.uniform(0.05, 0.75)
    rate = rng.uniform(3, 8) / turn
    rise = np.exp(rng.uniform(np.log(0.2), np.log(6)))
    since = np.clip((t - turn) / (1 - turn), 0, None)
    kind = str(rng.choice(["linear", "quadratic", "saturating", "logistic", "log"]))
    up = {
        "linear": since,
        "quadratic": since**2,
        "saturating": 1 - np.exp(-3 * since),
        "logistic": 1 / (1 + np.exp(-(since - 0.5) * 12)) * (since > 0),
        "log": np.log1p(9 * since),
    }[kind]
    up = up / up[-1]
    val = floor + (start - floor) * np.exp(-t * rate)
    val = val + val.min() * rise * up
    train = start * (0.03 + 0.97 * np.exp(-t * rng.uniform(2, 10)))
    if val[-1] < 1.15 * val.min():
        return overfitting(rng)
    return build(rng, Label.overfitting, f"over_{kind}", train, val)


def late_overfitting(rng: np.random.Generator) -> Case:
    n = length(rng, 40)
    t = time(n)
    turn = rng.uniform(0.75, 0.87)
    val = 0.4 + 0.6 * np.exp(-t * 12)
    val = val + rng.uniform(0.12, 0.5) * np.clip((t - turn) / (1 - turn), 0, None)
    return build(rng, Label.overfitting, "over_late", 1.1 * np.exp(-t * 5) + 0.02, val)


def underfitting(rng: np.random.Generator) -> Case:
    n = length(rng)
    t = time(n)
    start = rng.uniform(0.6, 4)
    end = start * rng.uniform(0.65, 0.97)
    kind = str(rng.choice(["plateau", "flat", "creeping"]))
    if kind == "plateau":
        _, train = fall(rng, n, start, end)
    elif kind == "flat":
        train = np.full(n, start)
    else:
        train = start * (1 - rng.uniform(0.01, 0.12) * t)
    val = train * rng.uniform(0.95, 1.08)
    return build(rng, Label.underfitting, f"under_{kind}", train, val)


def still_improving(rng: np.random.Generator) -> Case:
    n = length(rng)
    t = time(n)
    start = rng.uniform(0.6, 4)
    floor = start * rng.uniform(0.02, 0.2)
    kind = str(rng.choice(["linear", "exponential", "square_root", "late_drop"]))
    if kind == "linear":
        share = 1 - t * rng.uniform(0.6, 0.95)
    elif kind == "exponential":
        share = np.exp(-t * rng.uniform(0.9, 2.0))
    elif kind == "square_root":
        share = 1 - np.sqrt(t) * rng.uniform(0.6, 0.9)
    else:
        share = 1 / (1 + np.exp((t - rng.uniform(0.7, 0.9)) / rng.uniform(0.1, 0.2)))
        share /= share[0]
    val = floor + (start - floor) * share
    train = val * (1 - rng.uniform(-0.05, 0.15) * t)
    return build(rng, Label.still_improving, f"still_{kind}", train, val)


def diverged(rng: np.random.Generator) -> Case:
    n = length(rng)
    t = time(n)
    train = 0.2 + np.exp(-t * 5)
    val = train * 1.1
    kind = str(rng.choice(["nan", "inf", "nan_train", "explodes", "jumps_up", "climbs"]))
    at = int(rng.integers(1, n - 2))
    if kind == "explodes":
        up = np.exp(np.clip(np.arange(n) - at, 0, None) * rng.uniform(0.8, 2) * 20 / (n - at))
        train, val = train * up, val * up
    elif kind == "jumps_up":
        level = rng.uniform(2.5, 50)
        train[at:], val[at:] = level, level
    elif kind == "climbs":
        train = 1 + rng.uniform(1, 10) * t
        val = train * 1.05
    case = build(rng, Label.diverged, f"diverged_{kind}", train, val)
    if kind in ("nan", "inf", "nan_train"):
        broken = np.inf if kind == "inf" else np.nan
        columns = ["loss"] if kind == "nan_train" else ["loss", "val_loss"]
        case.history.loc[at:, columns] = broken
    return case


def undecidable(rng: np.random.Generator) -> Case:
    n = length(rng)
    t = time(n)
    kind = str(rng.choice(["no_validation", "too_short", "noise"]))
    val = 0.5 + np.exp(-t * 6)
    frame = pd.DataFrame({"loss": 0.9 * val, "val_loss": val})
    if kind == "no_validation":
        frame = frame[["loss"]]
    elif kind == "too_short":
        frame = frame.iloc[: int(rng.integers(1, 5))]
    else:
        n = int(rng.integers(8, 30))
        frame = pd.DataFrame(
            {"loss": np.linspace(1, 0.2, n), "val_loss": np.exp(rng.normal(0, 1.0, n))}
        )
    frame.index.name = "epoch"
    return Case(frame, Label.cant_tell, f"cant_{kind}")


MAKERS: tuple[Callable[[np.random.Generator], Case], ...] = (
    good_fit,
    good_fit,
    good_after_double_descent,
    overfitting,
    overfitting,
    late_overfitting,
    underfitting,
    underfitting,
    still_improving,
    still_improving,
    diverged,
    undecidable,
)
