"""A second set of histories, built otherwise than histories.py: from what goes on in a training.

A training loss is a sum of exponentials between the constant predictor's loss and what can be
reached; learning rate drops, warm-ups, cycles and plateaus bend its time; the validation loss
adds a gap that may grow. Each is then measured with mini-batch noise and on a finite validation
set. The truth is not chosen by the maker: `truth` reads it off the curves without noise by the
definitions in docs/diagnosis.md, and what is no clear case is drawn again.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd

from experiments.diagnosis import Label
from tests.support.made_histories import Case, Floats

LENGTHS = (5, 8, 12, 20, 30, 60, 100, 300, 1000)
TARGETS = (
    Label.good_fit, Label.overfitting, Label.underfitting, Label.still_improving, Label.diverged,
)  # fmt: skip


class Clean(NamedTuple):
    """Curves without noise, the constant predictor's loss and the loss that can be reached."""

    train: Floats
    val: Floats
    constant: float
    reachable: float
    shape: str


def trainings(seed: int, count: int) -> Iterator[Case]:
    """`count` clear cases, the five truths in turn; the constant's loss is known for half."""
    rng = np.random.default_rng(seed)
    for i in range(count):
        target = TARGETS[i % len(TARGETS)]
        yield diverging(rng) if target == Label.diverged else drawn(rng, target)


def drawn(rng: np.random.Generator, target: Label) -> Case:
    while True:
        n = int(rng.choice(LENGTHS))
        clean = curves(rng, n, target)
        # The origin of foreign runs is their first epoch; both must say the same to be clear.
        origins = {truth(clean, clean.constant), truth(clean, float(clean.train[0]))}
        if origins == {target}:
            return measured(rng, clean, target)


def truth(clean: Clean, origin: float) -> Label | None:
    """The definitions, with a margin to either side of each threshold; None within it."""
    rise = clean.val[-1] / clean.val.min() - 1
    if rise >= 0.13:
        # One risen value at the end could as well be a spike.
        risen = int((clean.val[clean.val.argmin() :] > 1.08 * clean.val.min()).sum())
        return Label.overfitting if risen >= max(2, len(clean.val) // 10) else None
    if rise > 0.06:
        return None
    way = (origin - clean.train[-1]) / max(origin - clean.reachable, 1e-9)
    n = len(clean.val)
    late = clean.val[max(n - 1 - max(n // 5, 1), 0)] - clean.val[-1]
    late *= (n / 5) / max(n // 5, 1)
    gained = max(clean.val[0] - clean.val.min(), 1e-9)
    if way <= 0.45:
        return Label.underfitting
    if way < 0.7:
        return None
    if late >= 0.06 * gained and late >= 0.06 * clean.val[-1]:
        return Label.still_improving
    return Label.good_fit if late <= 0.02 * gained and late <= 0.1 * clean.val[-1] else None


def curves(rng: np.random.Generator, n: int, target: Label) -> Clean:
    """One training; `target` only steers the draw towards what `truth` is asked for."""
    constant = float(np.exp(rng.uniform(-1, 1.5)))
    reachable = constant * rng.choice([0.0, rng.uniform(0, 0.1), rng.uniform(0.05, 0.3)])
    t, shape = bent_time(rng, n)
    rates = np.exp(rng.uniform(np.log(0.3), np.log(40), size=3))
    if target == Label.still_improving:
        rates = rates.clip(0.5, 3)
    shares = rng.dirichlet([1, 1, 0.5])
    share = np.exp(-t[:, None] * rates) @ shares
    if target == Label.underfitting:
        covered = float(rng.choice([0.0, rng.uniform(0, 0.2), rng.uniform(0.2, 0.5)]))
        how = str(rng.choice(["small_model", "creeping"]))
        progress = 1 - share if how == "small_model" else t / t[-1] * (0.5 + 0.5 * t / t[-1])
        share = 1 - covered * progress / max(progress[-1], 1e-9)
        shape += f"_{how}"
    if rng.random() < 0.4:
        # The first epoch's mean has seen a model that learned while it was measured.
        share = share * rng.uniform(0.8, 1.0)
    train = reachable + (constant - reachable) * share
    gap = float(rng.choice([0.0, rng.uniform(0, 0.1), rng.uniform(0.1, 0.5)]))
    val = train + gap * (constant - train) * rng.uniform(0.2, 1.0)
    if target == Label.overfitting:
        onset, power = rng.uniform(0.03, 0.93), rng.choice([0.6, 1.0, 1.7])
        s = np.arange(n) / (n - 1)
        extra = np.clip((s - onset) / (1 - onset), 0, None) ** power
        val = val + val.min() * np.exp(rng.uniform(np.log(0.13), np.log(4))) * extra
        shape += "_late" if onset > 0.75 else ""
    elif target == Label.good_fit and rng.random() < 0.2 and n >= 30:
        s = np.arange(n) / (n - 1)
        middle, width = rng.uniform(0.2, 0.4), rng.uniform(0.05, 0.1)
        val = val + val.min() * rng.uniform(0.2, 1) * np.exp(-(((s - middle) / width) ** 2))
        val = val * (1 + 0.15 * (1 - s))
        shape += "_double_descent"
    if rng.random() < 0.1 and n >= 12:
        hump = rng.uniform(0.1, 0.6) * constant * np.exp(-(((np.arange(n) - 1) / (n / 25)) ** 2))
        train, val, shape = train + hump, val + hump, shape + "_hump"
    return Clean(train, val, constant, reachable, shape)


def bent_time(rng: np.random.Generator, n: int) -> tuple[Floats, str]:
    """How much has been learned of time: a learning rate that changes over the run."""
    s = np.arange(n) / (n - 1)
    kind = str(rng.choice(["constant", "drops", "warm_up", "cosine", "cyclic", "plateau"]))
    if n < 12:
        kind = "constant"
    rate = np.ones(n)
    if kind == "drops":
        rate = np.where(s < rng.uniform(0.3, 0.6), 0.3, 1.0) * np.where(s < 0.8, 1.0, 0.3)
    elif kind == "warm_up":
        rate = np.clip(s / rng.uniform(0.05, 0.15), 0.05, 1)
    elif kind == "cosine":
        rate = 0.5 * (1 + np.cos(np.pi * s)) + 0.02
    elif kind == "cyclic":
        rate = 0.6 + 0.5 * np.cos(2 * np.pi * s * rng.integers(3, 8))
    elif kind == "plateau":
        begin = rng.uniform(0.1, 0.3)
        rate = np.where((s > begin) & (s < begin + 0.25), 0.02, 1.0)
    t = np.cumsum(rate) - rate[0]
    return t / max(t[-1], 1e-9) * rng.uniform(0.6, 1.4), kind


def measured(rng: np.random.Generator, clean: Clean, target: Label) -> Case:
    """Mini-batch noise on the training loss; a finite set, jumps and spikes on the other."""
    n = len(clean.val)
    most = 0.004 if n < 8 else 0.01 if n < 20 else 0.03 if n < 60 else 0.08
    sigma = min(float(np.exp(rng.uniform(np.log(0.001), np.log(0.08)))), most)
    # Weights wander, so that neighbors depend on each other, and less so late.
    wander = rng.normal(size=n)
    for i in range(1, n):
        wander[i] = 0.3 * wander[i - 1] + np.sqrt(1 - 0.09) * wander[i]
    fading = 1 + rng.choice([0.0, 1.0]) * np.exp(-5 * np.arange(n) / n)
    val = clean.val * np.exp(sigma * wander * fading)
    train = clean.train * np.exp(0.3 * sigma * rng.normal(size=n))
    if n >= 12 and rng.random() < 0.2:
        at = rng.choice(np.arange(2, n), size=max(1, n // 80), replace=False)
        val[at] *= rng.uniform(1.3, 5, size=len(at))
    if n >= 12 and rng.random() < 0.05:
        val[-1] *= rng.uniform(1.5, 4)
    scale = 10 ** rng.uniform(-6, 6) if rng.random() < 0.3 else 1.0
    frame = pd.DataFrame({"loss": train * scale, "val_loss": val * scale})
    frame.index.name = "epoch"
    every = int(rng.choice([2, 5])) if n >= 60 and rng.random() < 0.15 else 1
    frame.loc[frame.index % every != every - 1, "val_loss"] = np.nan
    if n >= 20 and rng.random() < 0.1:
        frame = frame.drop(index=rng.choice(np.arange(1, n - 1), size=n // 6, replace=False))
    known = clean.constant * scale if rng.random() < 0.5 else None
    return Case(frame, target, f"{target}_{clean.shape}", clean.val * scale, known)


def diverging(rng: np.random.Generator) -> Case:
    n = int(rng.choice(LENGTHS))
    base = curves(rng, n, Label.good_fit)
    at = int(rng.integers(1, max(n - 2, 2)))
    train, val = base.train.copy(), base.val.copy()
    kind = str(rng.choice(["nan", "inf_at_the_end", "explodes", "steps_up", "twice_constant"]))
    since = np.clip(np.arange(n) - at + 1, 0, None)
    if kind == "explodes":
        least = 2 * train[0] / train[-1]
        growth = np.exp(since * np.log(least * rng.uniform(1, 1e5)) / since[-1])
        train, val = train * growth, val * growth
    elif kind == "steps_up":
        train[at:] = val[at:] = base.constant * rng.uniform(2.6, 30)
    elif kind == "twice_constant":
        train[:] = base.constant * rng.uniform(2.6, 10) * np.exp(0.1 * rng.normal(size=n))
        train[0] = base.constant * rng.uniform(0.9, 1.3)
        val = train * rng.uniform(0.95, 1.05)
    case = measured(rng, base._replace(train=train, val=val, shape=kind), Label.diverged)
    if kind == "nan":
        case.history.loc[case.history.index >= at, ["loss", "val_loss"]] = np.nan
    elif kind == "inf_at_the_end":
        case.history.iloc[-1] = np.inf
    return case
