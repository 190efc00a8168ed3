"""Images that show nearly the same: shrunk to 8 by 8, hashed, then compared pixel by pixel."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

_SIDE = 8
_BANDS = 4  # of 16 bits: hashes that differ in at most three bits agree in one of them
_MOST_BITS = 3
_NEIGHBOURS = 8  # that agree in a band and are compared with each image
_MOST_PAIRS = 200_000
_MOST_BYTES = 200_000_000  # of pixels that are read for comparing
_CORRELATION = 0.995
_TOLD_APART = 0.02  # of an image's contrast: flatter ones have nothing to compare


class ImageSource(Protocol):
    """What images are taken from; blocks and taken ones are (m, height, width, channels)."""

    def __len__(self) -> int: ...

    def blocks(self) -> Iterator[np.ndarray]:
        """All images in order."""
        ...

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Those at some positions."""
        ...


def alike(images: ImageSource) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positions, (m,) each, of images that correlate above 0.995 whatever their
    brightness and contrast.

    Candidates have hashes that differ in at most 3 of 64 bits: a bit tells whether a cell of the
    image shrunk to 8 by 8 is brighter than that cell's middle in all images. That spreads
    images of one kind over all hashes, where the usual bit, brighter than the image's own
    mean, is the same in most of them. Each is compared with its nearest neighbors in the order of
    the hashes, so a few pairs among many that look alike can be missed.
    """
    cells = np.concatenate([_shrink(block) for block in images.blocks()])
    flat = cells.std(axis=1) <= 0
    cells = _standardized(cells)
    bits = np.packbits(cells > np.median(cells, axis=0), axis=1).view(np.uint64).reshape(-1)
    left, right = _candidates(bits)
    kept = ~(flat[left] | flat[right])
    left, right = left[kept], right[kept]
    close = np.einsum("ij,ij->i", cells[left], cells[right]) / cells.shape[1] > _CORRELATION
    left, right = left[close][:_MOST_PAIRS], right[close][:_MOST_PAIRS]
    return _agreeing(images, left, right)


def _shrink(block: np.ndarray) -> np.ndarray:
    """The mean brightness (m, 64) of each cell."""
    gray = block.astype(np.float32).mean(axis=-1)
    rows, columns = _means(gray.shape[1]), _means(gray.shape[2])
    small: np.ndarray = np.matmul(rows @ gray, columns.T)
    return np.nan_to_num(small.reshape(len(block), -1), posinf=0, neginf=0)


def _means(size: int) -> np.ndarray:
    """The weights (8, size) that make 8 means of so many pixels, also where 8 does not divide."""
    borders = np.linspace(0, size, _SIDE + 1)
    starts = np.arange(size)
    overlap = np.minimum(borders[1:, None], starts + 1) - np.maximum(borders[:-1, None], starts)
    weights = np.clip(overlap, 0, None)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _standardized(values: np.ndarray) -> np.ndarray:
    """Rows (m, k) with mean 0 and standard deviation 1."""
    values = values - values.mean(axis=1, keepdims=True)
    return values / np.maximum(values.std(axis=1, keepdims=True), 1e-12)


def _candidates(bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    found = []
    for band in range(_BANDS):
        turned = np.roll(bits.view(np.uint16).reshape(len(bits), _BANDS), band, axis=1)
        keys = np.ascontiguousarray(turned).view(np.uint64).reshape(-1)
        order = np.argsort(keys, kind="stable")
        for step in range(1, min(_NEIGHBOURS, len(bits) - 1) + 1):
            near = np.bitwise_count(bits[order[:-step]] ^ bits[order[step:]]) <= _MOST_BITS
            found.append(np.stack([order[:-step][near], order[step:][near]]))
    pairs = np.sort(np.concatenate(found, axis=1), axis=0)
    left, right = np.unique(pairs, axis=1)
    return left, right


def _agreeing(
    images: ImageSource, left: np.ndarray, right: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    if not len(left):
        return left, right
    each = max(1, images.take(left[:1]).nbytes)
    most = max(1, _MOST_BYTES // (2 * each))
    left, right = left[:most], right[:most]
    size = max(1, 8_000_000 // each)
    agree = [
        _correlations(images.take(left[i : i + size]), images.take(right[i : i + size]))
        > _CORRELATION
        for i in range(0, len(left), size)
    ]
    kept = np.concatenate(agree)
    return left[kept], right[kept]


def _correlations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    a, b = (_standardized(side.reshape(len(side), -1).astype(np.float32)) for side in (left, right))
    return np.einsum("ij,ij->i", a, b) / a.shape[1]
