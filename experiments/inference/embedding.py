"""What a model makes of its samples, as points of a plane: the input of its head, projected."""

from typing import Any, NamedTuple

import keras
import numpy as np
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from experiments.core.errors import InputError
from experiments.core.settings import settings_in_use
from experiments.inference.explanation import HEAD, load_classifier
from experiments.inference.loaded_models import LoadedRun
from experiments.inference.model_data import choose_part
from experiments.models.bases import FEATURES
from experiments.tracking.store import Store
from experiments.training.feature_cache import known_features
from experiments.training.train import PREDICT_BATCH

PROJECTIONS = ("pca", "tsne")
#: How many samples are projected at most; of more, so many are taken evenly spaced.
MOST = {"pca": 2000, "tsne": 1000}

_TSNE_LEAST = 10
_TSNE_WIDTH = 50  # features go through PCA first (van der Maaten and Hinton 2008)


class _Described(NamedTuple):
    rows: np.ndarray
    features: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    total: int
    known: bool


class Projection(NamedTuple):
    """Points (n, 2) and, of a PCA, the share of the variance on each axis."""

    points: np.ndarray
    explained: tuple[float, ...]


def embed(
    store: Store, run_id: str, part: str = "validation", projection: str = "pca"
) -> dict[str, Any]:
    """Points of samples of a run's part: ``rows``, ``points`` (n, 2), ``truth`` and ``prediction``.

    ``width`` is how many features each has, ``explained`` the share of their variance on both
    axes, ``known`` whether they were in the cache of features. ``total`` samples are in the part.
    Raises InputError for features that are no numbers.
    """
    if projection not in PROJECTIONS:
        raise InputError(f"Received the projection {projection!r}. Allowed: pca, tsne.")
    found = _describe(store, run_id, part, MOST[projection])
    projected = project(found.features, projection)
    return {
        "rows": found.rows.tolist(),
        "points": projected.points.round(5).tolist(),
        "truth": found.truth.astype(int).tolist(),
        "prediction": found.prediction.round(6).tolist(),
        "width": found.features.shape[1],
        "explained": list(projected.explained),
        "total": found.total,
        "known": found.known,
    }


def project(features: np.ndarray, projection: str = "pca") -> Projection:
    """Rows (n, features) as points (n, 2); the same for the same rows. Raises InputError."""
    if not np.isfinite(features).all():
        raise InputError(
            "What goes into the head holds NaN or infinity: the model has diverged, and there is "
            "nothing to draw."
        )
    if len(features) < 3:
        raise InputError(f"Received {len(features)} samples. Allowed: three or more.")
    if projection == "tsne":
        return Projection(_tsne(features), ())
    pca = PCA(min(2, features.shape[1]), random_state=0).fit(features)
    points = pca.transform(features)
    explained = tuple(float(share) for share in np.nan_to_num(pca.explained_variance_ratio_))
    return Projection(np.pad(points, ((0, 0), (0, 2 - points.shape[1]))), explained)


def _tsne(features: np.ndarray) -> np.ndarray:
    if len(features) < _TSNE_LEAST:
        raise InputError(
            f"Received {len(features)} samples. t-SNE needs {_TSNE_LEAST} or more; choose PCA."
        )
    if features.shape[1] > _TSNE_WIDTH:
        width = min(_TSNE_WIDTH, len(features))
        features = PCA(width, random_state=0).fit_transform(features)
    perplexity = min(30.0, (len(features) - 1) / 3)
    points: np.ndarray = TSNE(
        2, perplexity=perplexity, init="pca", random_state=0, max_iter=500
    ).fit_transform(features)
    return points


def head_inputs(loaded: LoadedRun, rows: np.ndarray) -> tuple[np.ndarray, bool]:
    """What the head gets for rows of the run's data, (n, features), and whether it was in the
    cache of features."""
    model = loaded.model
    if _only_drops(model) and (
        known := known_features(settings_in_use().features, loaded.dataset, model)
    ):
        return np.asarray(known[rows]), True
    extractor = keras.Model(model.inputs[0], model.get_layer(HEAD).input)
    parts = [
        extractor.predict(loaded.dataset.x[rows[first : first + PREDICT_BATCH]], verbose=0)
        for first in range(0, len(rows), PREDICT_BATCH)
    ]
    return np.concatenate(parts), False


def _only_drops(model: keras.Model) -> bool:
    """Whether the head gets the features of a base as they are; dropout does nothing here."""
    names = [layer.name for layer in model.layers]
    if FEATURES not in names:
        return False
    between = model.layers[names.index(FEATURES) + 1 : names.index(HEAD)]
    return all(isinstance(layer, keras.layers.Dropout) for layer in between)


def _describe(store: Store, run_id: str, part: str, most: int) -> _Described:
    loaded = load_classifier(store, run_id)
    chosen = choose_part(loaded, None, part)
    total = len(chosen.rows)
    if not total:
        raise InputError(f"The {part} part has no samples. Choose another part.")
    rows = chosen.rows[np.linspace(0, total - 1, min(total, most)).astype(int)]
    features, known = head_inputs(loaded, rows)
    prediction = np.asarray(loaded.model.get_layer(HEAD)(features))
    truth = chosen.y[rows].reshape(-1)
    return _Described(rows, features, truth, prediction, total, known)
