"""Metrics from truth and outputs, by one definition for every model. No Keras here."""

import numpy as np

_TINY = 1e-7  # Keras' epsilon: no probability is nearer to 0 or 1 in a cross-entropy


def probabilities(outputs: np.ndarray) -> tuple[np.ndarray, str]:
    """Outputs (n, 1) or (n, classes) as a probability for each class, and what was done for it.

    A model without an activation at its end gives logits, which lie outside 0 and 1.
    """
    logits = bool((outputs < -1e-3).any() or (outputs > 1 + 1e-3).any())
    if outputs.shape[1] == 1:
        second = 1 / (1 + np.exp(-np.clip(outputs, -500, 500))) if logits else outputs
        shares, done = np.hstack([1 - second, second]), "a sigmoid"
    elif logits:
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares, done = powers / powers.sum(axis=1, keepdims=True), "a softmax"
    else:
        shares, done = outputs, ""
    return shares, f"The outputs are logits, so {done} was applied to them." if logits else ""


def measure_classes(truth: np.ndarray, shares: np.ndarray) -> dict[str, float]:
    """Accuracy, cross-entropy and macro F1; for two classes AUC, precision and recall too.

    ``truth`` (n,) holds classes, ``shares`` (n, classes) probabilities. A class that is neither
    there nor predicted does not count in the F1; the second class is the positive one.
    """
    predicted, classes = shares.argmax(axis=1), shares.shape[1]
    counts = np.zeros((classes, classes))
    np.add.at(counts, (truth, predicted), 1)
    right, seen = np.diag(counts), counts.sum(axis=0) + counts.sum(axis=1)
    chosen = np.clip(shares[np.arange(len(truth)), truth], _TINY, 1 - _TINY)
    metrics = {
        "accuracy": float((predicted == truth).mean()),
        "cross-entropy": float(-np.log(chosen).mean()),
        "macro F1": float((2 * right[seen > 0] / seen[seen > 0]).mean()),
    }
    if classes == 2:
        metrics["AUC"] = _auc(truth, shares[:, 1])
        metrics["precision"] = _share(right[1], counts[:, 1].sum())
        metrics["recall"] = _share(right[1], counts[1].sum())
    return metrics


def measure_values(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Mean absolute error and root of the mean squared error in the target's units, and R²."""
    error = predicted - truth
    spread = float(np.square(truth - truth.mean()).sum())
    return {
        "MAE": float(np.abs(error).mean()),
        "RMSE": float(np.sqrt(np.square(error).mean())),
        "R²": 1 - float(np.square(error).sum()) / spread if spread else float("nan"),
    }


def _auc(truth: np.ndarray, score: np.ndarray) -> float:
    """The chance that a positive scores above a negative, ties as half (Mann and Whitney)."""
    positives, negatives = np.sort(score[truth == 1]), score[truth == 0]
    below = np.searchsorted(positives, negatives, side="left")
    equal = np.searchsorted(positives, negatives, side="right") - below
    wins = (len(positives) - below - equal).sum() + equal.sum() / 2
    return _share(float(wins), len(positives) * len(negatives))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
