"""A run up to its first step with plain Keras: no MLflow, no recording, no worker."""

import sys
import time
from pathlib import Path

from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import read_spec


def train_first_step(spec: RunSpec) -> dict[str, float]:
    """Load the data, build, compile and ``fit`` a spec; the moments (seconds since 1970) when
    it began and when each part was done."""
    moments = {"began": time.time()}
    import keras

    from experiments.data.loading import load_dataset
    from experiments.data.split.splits import split_dataset
    from experiments.models.building import build_model, compile_model

    moments["imports"] = time.time()
    keras.utils.set_random_seed(spec.seed)
    dataset = load_dataset(spec.dataset, spec.data_seed)
    split = split_dataset(dataset, spec.split, spec.data_seed)
    moments["data"] = time.time()
    model = build_model(spec, dataset, split)
    compile_model(model, spec)
    moments["model"] = time.time()
    model.fit(
        dataset.x[split.train],
        dataset.y[split.train],
        batch_size=spec.training.batch_size,
        epochs=spec.training.epochs,
        callbacks=[
            keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: moments.setdefault("step", time.time())
            )
        ],
        verbose=0,
    )
    return moments


if __name__ == "__main__":
    first = train_first_step(read_spec(Path(sys.argv[1])))
    Path(sys.argv[2]).write_text(str(first["step"]))
