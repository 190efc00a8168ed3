"""The process that answers the dashboard's questions that need Keras: one JSON object a line.

The web process never imports TensorFlow; it starts this module (see keras_process.py), writes
``{"operation": …, "arguments": {…}}`` and reads ``{"answer": …}`` or ``{"error": …}``. It ends
when its standard input is closed.
"""

import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, TextIO

import numpy as np

from experiments import predicting
from experiments.datasets.loading import load_dataset, on_this_machine
from experiments.datasets.splits import divide, summarize_split
from experiments.errors import ExperimentsError, InputError, unknown
from experiments.models import outline_spec, refuse_too_large
from experiments.settings import read_settings
from experiments.spec_files import parse_spec
from experiments.specs import RunSpec
from experiments.tracking.store import Store

Operation = Callable[..., dict[str, Any]]


def preview(store: Store, spec: dict[str, Any]) -> dict[str, Any]:
    """What a spec would train: the layers, the parameters and which samples go where.

    Data that would have to be downloaded is not: its size is known, its classes are not counted.
    """
    parsed = parse_spec(spec)
    refuse_too_large(parsed)
    layers = outline_spec(parsed)
    answer = _preview_split(parsed)
    return {
        "parameters": sum(layer["parameters"] for layer in layers),
        "layers": layers,
        "batches": -(-answer["train"] // parsed.training.batch_size),
        **answer,
    }


def _preview_split(spec: RunSpec) -> dict[str, Any]:
    info = spec.dataset.info
    if not on_this_machine(info):
        samples = min(info.samples, spec.dataset.max_samples or info.samples)
        split = divide(np.zeros(samples, np.int32), spec.split, spec.seed)
        says = f"{info.name} is downloaded ({info.megabytes:.0f} MB) when the run starts."
        counts = {"train": len(split.train), "validation": len(split.validation), "test": None}
        return {**counts, "classes": [], "sentence": "", "warnings": [says]}
    dataset = load_dataset(spec.dataset, spec.seed)
    summary = summarize_split(dataset, divide(dataset.y, spec.split, spec.seed))
    return {
        **summary._asdict(),
        "classes": [row._asdict() for row in summary.classes],
    }


OPERATIONS: dict[str, Operation] = {
    "preview": preview,
    "open_model": predicting.open_model,
    "predict_samples": predicting.predict_samples,
    "predict_rows": predicting.predict_rows,
    "predict_picture": predicting.predict_picture,
}


def answer(store: Store, question: str) -> dict[str, Any]:
    """The answer to one line; what the user caused comes back as ``error`` with its kind."""
    try:
        asked = json.loads(question)
        name = asked["operation"]
        if name not in OPERATIONS:
            raise InputError(unknown("operation", name, OPERATIONS))
        return {"answer": OPERATIONS[name](store, **asked["arguments"])}
    except ExperimentsError as error:
        return {"error": str(error), "kind": type(error).__name__}
    except Exception as error:
        logging.error("%s", traceback.format_exc())
        return {"error": f"{type(error).__name__}: {error}", "kind": "WorkerError"}


def _serve(questions: TextIO, answers: TextIO) -> None:
    store = Store(read_settings())
    answers.write(json.dumps({"ready": os.getpid()}) + "\n")
    answers.flush()
    for question in questions:
        answers.write(json.dumps(answer(store, question)) + "\n")
        answers.flush()


if __name__ == "__main__":
    # whatever Keras prints goes to the log, so that standard output carries answers only
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    _serve(sys.stdin, replies)
