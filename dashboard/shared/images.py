"""Samples as images: nested lists in, crisp PNG-ready arrays out."""

import numpy as np
from numpy.typing import NDArray


def to_image(sample: object, side: int = 112) -> NDArray[np.uint8]:
    """A sample of shape (h, w, 1) or (h, w, 3) as an RGB image some ``side`` pixels high.

    Its values are stretched from its lowest to its highest. Pixels are repeated, not smoothed, so
    that one sees what the model saw.
    """
    pixels = np.asarray(sample, dtype=np.float64)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
    low, high = float(pixels.min()), float(pixels.max())
    scaled = (pixels - low) / (high - low) if high > low else np.zeros_like(pixels)
    times = max(side // pixels.shape[0], 1)
    large = scaled.repeat(times, axis=0).repeat(times, axis=1)
    return (large * 255).round().astype(np.uint8)
