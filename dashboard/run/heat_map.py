"""Heat over an image. No streamlit here."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dashboard.shared.images import to_image

#: From little heat to much of it.
_STOPS = np.asarray([[250, 204, 21], [249, 115, 22], [220, 38, 38]], dtype=float)
_STRONGEST = 0.75  # of the heat's color, where it is greatest


def overlay(sample: object, heat: object, side: int = 224) -> NDArray[np.uint8]:
    """A sample (h, w, channels) in gray as an RGB image with its heat (rows, columns) over it.

    Heat is on its own scale, from 0 to its greatest value, and is smoothed between its cells.
    """
    gray = to_image(sample, side).mean(axis=-1, keepdims=True)
    cells = np.asarray(heat, dtype=np.float32)
    height, width = gray.shape[:2]
    smooth = Image.fromarray(cells).resize((width, height), Image.Resampling.BILINEAR)
    strength = np.asarray(smooth, dtype=float)
    if cells.max() > 0:
        strength = np.clip(strength / float(cells.max()), 0, 1)
    at = np.linspace(0, 1, len(_STOPS))
    color = np.stack([np.interp(strength, at, stops) for stops in _STOPS.T], axis=-1)
    share = _STRONGEST * strength[..., None]
    mixed: NDArray[np.uint8] = (gray * (1 - share) + color * share).round().astype(np.uint8)
    return mixed
