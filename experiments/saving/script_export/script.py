"""The whole script: what it says of itself, its parts in order, and the end that runs it."""

import textwrap
from itertools import pairwise
from typing import Any

from experiments.data.catalog import Kind, Task
from experiments.saving.script_export.script_data import (
    data_imports,
    data_lines,
    split_functions,
    split_lines,
)
from experiments.saving.script_export.script_layers import arguments, layer_lines, source
from experiments.spec.metrics import METRICS, Metric
from experiments.spec.optimizers import OPTIMIZERS
from experiments.spec.run_spec import RunSpec

_HEAD = '''\
"""{title}
{start}
Needs: pip install tensorflow keras scikit-learn

python SCRIPT.py      trains, and writes model.h5 and history.json into the working folder
python SCRIPT.py 10   loads what was written there and trains 10 epochs more
"""
'''

_START = """
The run went on from a saved model; this script begins with fresh weights, so its history is
another one.
"""

_STREAMED = """
The run streamed its samples from disk; this script reads them all into memory and shuffles them
as a whole, so its history is another one.
"""

_BATCHES = '''\
class ShuffledBatches(keras.utils.PyDataset):
    """The training samples, in an order that follows from SEED and the epoch alone."""

    def __init__(self):
        super().__init__()
        self.shuffle(0)

    def shuffle(self, epoch):
        self.order = np.random.default_rng([SEED, 4, epoch]).permutation(len(x_train))

    def __len__(self):
        return math.ceil(len(x_train) / BATCH_SIZE)

    def __getitem__(self, batch):
        rows = self.order[batch * BATCH_SIZE : (batch + 1) * BATCH_SIZE]
        return x_train[rows], y_train[rows]
'''

_LOAD = '''\
def load_model(path):
    """The model with its optimizer, whose slots Keras 3 alone does not read back from .h5."""
    model = keras.models.load_model(path, compile=False)
    compile_model(model)
    model.optimizer.build(model.trainable_variables)
    with h5py.File(path) as file:
        for variable in model.optimizer.variables:
            variable.assign(file["optimizer_weights"][variable.path][()])
    return model
'''

_MAIN = """\
more = int(sys.argv[1]) if len(sys.argv) > 1 else 0
if more:
    model = load_model("model.h5")
    history = json.loads(Path("history.json").read_text())
else:
    keras.utils.set_random_seed(SEED)
    model = build_model()
    compile_model(model)
    history = {{}}
trained = len(history.get("loss", []))

batches = ShuffledBatches()
callbacks = [
    keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: batches.shuffle(epoch)),
{callbacks}]
fitted = model.fit(
    batches,
    initial_epoch=trained,
    epochs=trained + more if more else EPOCHS,
{validation}    callbacks=callbacks,
    shuffle=False,  # the batches are shuffled already
    verbose=2,
)

for name, values in fitted.history.items():
    history[name] = history.get(name, []) + [float(value) for value in values]
Path("history.json").write_text(json.dumps(history))
model.save("model.h5")
{evaluations}"""


def write_script(spec: RunSpec, architecture: dict[str, Any], title: str = "") -> str:
    """A script that trains this run without Kerascope: same data, same weights, same batches.

    On one machine its history is the run's own, bit for bit. ``architecture`` is the run's
    ``architecture.json``; the script begins with ``title``. Raises ModelFileError for an
    architecture with layers that we do not build.
    """
    training = spec.training
    seed = "DATA_SEED" if _data_seed(spec) else "SEED"
    parts = [
        _HEAD.format(title=_plain(title or spec.title), start=_apart(spec)),
        _imports(spec),
        f"SEED = {spec.seed}\n{_data_seed(spec)}"
        f"EPOCHS = {training.epochs}\nBATCH_SIZE = {training.batch_size}\n",
        *split_functions(spec.split),
        "\n".join(["# the data", *data_lines(spec.dataset, seed)]),
        "\n".join(
            [
                "# which samples train and which validate",
                *split_lines(spec.dataset, spec.split, seed),
            ]
        )
        + "\n",
        _BATCHES,
        _function("build_model", "", [*_statistics(spec), *_layers(spec, architecture)]),
        _function("compile_model", "model", _compile(spec)),
        _LOAD,
        _main(spec),
    ]
    return _spaced(parts)


def _apart(spec: RunSpec) -> str:
    """Why the script's history is not the run's, where it is not."""
    streamed = spec.dataset.memory_mb is not None
    return (_START if spec.start else "") + (_STREAMED if streamed else "")


def _data_seed(spec: RunSpec) -> str:
    return f"DATA_SEED = {spec.data_seed}\n" if spec.data_seed != spec.seed else ""


def _imports(spec: RunSpec) -> str:
    return "\n".join(
        [
            *("import json", "import math", "import sys", "from pathlib import Path", ""),
            *("import h5py", "import keras", "import numpy as np"),
            *data_imports(spec.dataset.info),
            "",
        ]
    )


def _statistics(spec: RunSpec) -> list[str]:
    """What preprocessing takes from the training samples, as models.building measures it."""
    lines: list[str] = []
    info = spec.dataset.info
    if info.kind is Kind.TABULAR:
        lines += [
            'x = np.ma.masked_invalid(x_train.astype("float64"))'
            if info.categories
            else 'x = x_train.astype("float64")',
            "mean, variance = x.mean(axis=0), x.var(axis=0)",
            "variance = np.where(variance > 1e-15 * mean**2, variance, 1.0)  # constant features",
        ]
        if info.categories:
            lines.insert(2, "mean, variance = np.ma.filled(mean, 0.0), np.ma.filled(variance, 0.0)")
    if info.task is Task.REGRESSION:
        lines.append('y = y_train.astype("float64")')
    return [*lines, ""] if lines else []


def _layers(spec: RunSpec, architecture: dict[str, Any]) -> list[str]:
    expressions = {
        ("preprocessing", "scale"): f"1 / {spec.dataset.info.white:g}",
        ("preprocessing", "mean"): "mean.tolist()",
        ("preprocessing", "variance"): "variance.tolist()",
        ("target_units", "scale"): "float(y.std()) or 1.0",
        ("target_units", "offset"): "float(y.mean())",
    }
    for first, last in spec.dataset.info.number_columns:
        for what in ("mean", "variance"):
            columns = f"{what}[{first}:{last}].tolist()"
            expressions[f"preprocessing_{first}", what] = columns
    if spec.augmentation:  # both sides are the same, and one number would mean something else
        contrast = spec.augmentation.contrast
        expressions |= {("augment_contrast", "factor"): f"({contrast!r}, {contrast!r})"}
    return layer_lines(architecture, expressions)


def _compile(spec: RunSpec) -> list[str]:
    training = spec.training
    options: dict[str, float] = {"learning_rate": training.learning_rate}
    if training.momentum:
        options["momentum"] = training.momentum
    metrics = ", ".join(_metric(METRICS[name]) for name in spec.metrics)
    return [
        "model.compile(",
        f"    optimizer=keras.optimizers.{OPTIMIZERS[training.optimizer].keras_class}"
        f"({arguments(options.items())}),",
        f"    loss={source(spec.loss)},",
        f"    metrics=[{metrics}],",
        ")",
    ]


def _metric(metric: Metric) -> str:
    if not metric.keras_class:
        return source(metric.name)
    settings = arguments((*metric.settings, ("name", metric.name)))
    return f"keras.metrics.{metric.keras_class}({settings})"


def _main(spec: RunSpec) -> str:
    validates = spec.split.validates
    has_test = spec.dataset.info.test_given or bool(spec.split.test_split)
    evaluated = [("validation", "val")] * validates + [("test", "test")] * has_test
    # the first samples of a file may have none of its test part
    may_be_cut = spec.dataset.info.parts and spec.dataset.max_samples
    return _MAIN.format(
        callbacks="".join(f"    {line},\n" for line in _callbacks(spec)),
        validation="    validation_data=(x_val, y_val),\n"
        "    validation_batch_size=BATCH_SIZE,\n" * validates,
        evaluations="".join(
            f"{'if len(x_test): ' if part == 'test' and may_be_cut else ''}"
            f"print({source(said)}, model.evaluate(x_{part}, y_{part}, verbose=0, "
            "return_dict=True))\n"
            for said, part in evaluated
        ),
    )


def _callbacks(spec: RunSpec) -> list[str]:
    """Callbacks with their settings, without those that are off in any case."""
    lines = []
    for name, callback in (
        ("EarlyStopping", spec.callbacks.early_stopping),
        ("ReduceLROnPlateau", spec.callbacks.reduce_lr_on_plateau),
    ):
        if callback:
            mode = "max" if spec.higher_is_better(callback.monitor) else "min"
            settings = {"monitor": callback.monitor, "mode": mode} | callback.model_dump()
            given = arguments(settings.items())
            line = f"keras.callbacks.{name}({given})"
            if len(line) > 94:
                given = textwrap.indent(given.replace(", ", ",\n"), " " * 8)
                line = f"keras.callbacks.{name}(\n{given},\n    )"
            lines.append(line)
    return lines


def _function(name: str, taken: str, body: list[str]) -> str:
    return f"def {name}({taken}):\n" + textwrap.indent("\n".join(body), "    ") + "\n"


def _spaced(parts: list[str]) -> str:
    """Two empty lines around definitions, one elsewhere, as PEP 8 has it."""
    text = parts[0]
    for before, after in pairwise(parts):
        defines = "def " in before.partition("\n")[0] + after.partition("\n")[0]
        classes = before.startswith("class") or after.startswith("class")
        text = text.rstrip("\n") + ("\n\n\n" if defines or classes else "\n\n") + after
    return text


def _plain(title: str) -> str:
    """A name that somebody chose, made harmless inside the quotes of a docstring."""
    kept = "".join(c if c.isprintable() and c not in '"\\' else " " for c in title)
    return " ".join(kept.split())
