"""Writes experiments/application_facts.json: what the installed Keras says of its applications.

    python scripts/application_facts.py

Everything is found out from Keras, but for the accuracies on ImageNet, which no code of it knows.
"""

import json
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import keras  # noqa: E402

from experiments.core.keras_compat import files_from  # noqa: E402
from experiments.spec.applications import FACTS_FILE, application_names  # noqa: E402

#: Top-1 and top-5 on ImageNet's validation set in percent: https://keras.io/api/applications
_DOCUMENTED: dict[str, tuple[float, float | None]] = {
    "Xception": (79.0, 94.5), "VGG16": (71.3, 90.1), "VGG19": (71.3, 90.0),
    "ResNet50": (74.9, 92.1), "ResNet50V2": (76.0, 93.0), "ResNet101": (76.4, 92.8),
    "ResNet101V2": (77.2, 93.8), "ResNet152": (76.6, 93.1), "ResNet152V2": (78.0, 94.2),
    "InceptionV3": (77.9, 93.7), "InceptionResNetV2": (80.3, 95.3), "MobileNet": (70.4, 89.5),
    "MobileNetV2": (71.3, 90.1), "DenseNet121": (75.0, 92.3), "DenseNet169": (76.2, 93.2),
    "DenseNet201": (77.3, 93.6), "NASNetMobile": (74.4, 91.9), "NASNetLarge": (82.5, 96.0),
    "EfficientNetB0": (77.1, 93.3), "EfficientNetB1": (79.1, 94.4), "EfficientNetB2": (80.1, 94.9),
    "EfficientNetB3": (81.6, 95.7), "EfficientNetB4": (82.9, 96.4), "EfficientNetB5": (83.6, 96.7),
    "EfficientNetB6": (84.0, 96.8), "EfficientNetB7": (84.3, 97.0),
    "EfficientNetV2B0": (78.7, 94.3), "EfficientNetV2B1": (79.8, 95.0),
    "EfficientNetV2B2": (80.5, 95.1), "EfficientNetV2B3": (82.0, 95.8),
    "EfficientNetV2S": (83.9, 96.7), "EfficientNetV2M": (85.3, 97.4),
    "EfficientNetV2L": (85.7, 97.5), "ConvNeXtTiny": (81.3, None), "ConvNeXtSmall": (82.3, None),
    "ConvNeXtBase": (85.3, None), "ConvNeXtLarge": (86.3, None), "ConvNeXtXLarge": (86.7, None),
}  # fmt: skip


class _AskedError(Exception):
    """A constructor asked for a file: its name, where it comes from, its hash."""


def facts_of(name: str) -> dict[str, Any]:
    """What Keras says of one application; nothing is downloaded and no weight allocated."""
    whole, base = _sketch(name, include_top=True), _sketch(name, include_top=False)
    top_1, top_5 = _DOCUMENTED.get(name, (None, None))
    files = [_file(name, top=True), _file(name, top=False)]
    # MobileNetV3 leaves it open, and says in the file's name what it was trained on
    side = whole.input_shape[1] or int(re.findall(r"_(\d{3})_", files[0]["name"])[0])
    return {
        "name": name,
        "parameters": whole.count_params(),
        "base_parameters": base.count_params(),
        "layers": len(whole.layers),
        "depth": sum(bool(layer.weights) for layer in whole.layers),
        "side": side,
        "least_side": _least_side(name),
        "files": files,
        "top_1": top_1,
        "top_5": top_5,
    }


def _sketch(name: str, **options: Any) -> keras.Model:
    with keras.StatelessScope(initialize_variables=False):
        return getattr(keras.applications, name)(weights=None, **options)


def _least_side(name: str) -> int:
    try:
        _sketch(name, include_top=False, input_shape=(1, 1, 3))
    except ValueError as error:
        if found := re.search(r"at least (\d+)", str(error)):
            return int(found[1])
    return 32


def _file(name: str, *, top: bool) -> dict[str, Any]:
    """The weight file that the constructor asks for."""

    def tell(fname: str, origin: str, **options: Any) -> str:
        raise _AskedError(fname, origin, options.get("file_hash") or "")

    sketched = keras.StatelessScope(initialize_variables=False)
    try:
        with files_from(tell), sketched, suppress(ValueError):
            getattr(keras.applications, name)(weights="imagenet", include_top=top)
    except _AskedError as asked:
        file, url, digest = asked.args
        return {"name": file, "url": url, "hash": digest, "top": top}
    raise SystemExit(f"{name} asked for no file; look at what changed in Keras.")


def main() -> None:
    """Write the facts of all applications."""
    facts = {
        "keras": keras.__version__,
        "applications": [facts_of(name) for name in application_names()],
    }
    FACTS_FILE.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(f"{len(application_names())} applications of Keras {keras.__version__}: {FACTS_FILE}")


if __name__ == "__main__":
    main()
