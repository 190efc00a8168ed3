"""Model files with a Lambda, which Keras would run.

They are made without one: tracing a function in a test process has taken up to 18 GB of memory.
"""

import json
import zipfile
from pathlib import Path

import keras


def save_lambda(path: Path) -> None:
    """A whole .keras file whose layer ``run`` is a Lambda."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Activation("relu", name="run")])
    plain = path.with_name("plain.keras")
    model.save(plain)
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(path, "w") as after:
        for name in before.namelist():
            data = before.read(name)
            if name == "config.json":
                config = json.loads(data)
                layer = config["config"]["layers"][-1]
                function = {"class_name": "function", "config": "relu", "module": "builtins"}
                layer["class_name"] = "Lambda"
                layer["config"] = {"name": "run", "trainable": True, "function": function}
                data = json.dumps(config).encode()
            after.writestr(name, data)
    plain.unlink()
