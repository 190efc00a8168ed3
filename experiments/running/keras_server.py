"""The process that answers the dashboard's questions that need Keras: one JSON object a line.

The web process never imports TensorFlow; it starts this module (see keras_process.py), writes
``{"operation": …, "arguments": {…}}`` and reads ``{"answer": …}`` or ``{"error": …}``. It ends
when its standard input is closed. ``--memory BYTES`` is for models that others made: the system
then refuses the process more than that on top of what it has after importing Keras.
"""

import argparse
import json
import logging
import os
import sys
import traceback
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import keras
import numpy as np
import psutil
import tensorflow as tf

from experiments.core.checkpoint_files import MODEL_FILE
from experiments.core.errors import ExperimentsError, InputError, unknown
from experiments.core.process_limits import limit_process
from experiments.core.settings import read_settings, use_settings
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.loading import load_dataset, on_this_machine
from experiments.data.split.audit import audit_split
from experiments.data.split.split_spec import SplitSpec
from experiments.data.split.splits import divide, split_dataset
from experiments.foreign.weight_transfer import plan_transplant
from experiments.inference import (
    classification,
    embedding,
    evaluation,
    explanation,
    prediction,
)
from experiments.models.bases import describe_base
from experiments.models.building import model_outline, refuse_too_large, sketch_model
from experiments.saving import exports
from experiments.spec.model_specs import BaseSpec
from experiments.spec.run_spec import RunSpec
from experiments.spec.spec_files import parse_spec
from experiments.tracking.artifacts import fetch_artifact
from experiments.tracking.run_specs import get_spec
from experiments.tracking.store import Store
from experiments.tracking.stored_bases import fetch_base
from experiments.tracking.stored_datasets import fetch_if_stored
from experiments.training.memory_needs import predict_peak, samples_bytes

Operation = Callable[..., dict[str, Any]]


def plan_transplant_into(store: Store, source: dict[str, str], into: str) -> dict[str, Any]:
    """The plan of taking the weights of a source, {"run": id} or {"file": path}, into a new
    network like that of the run ``into``: layers, counts and a sentence. Nothing is changed."""
    run_id = source.get("run")
    path = fetch_artifact(store, run_id, MODEL_FILE) if run_id else Path(source["file"])
    spec = get_spec(store, into)
    fetch_base(store, spec)
    return plan_transplant(path, sketch_model(spec)).to_dict()


def preview(store: Store, spec: dict[str, Any]) -> dict[str, Any]:
    """What a spec would train: the layers, the parameters and which samples go where.

    Data that would have to be downloaded is not: its size is known, its classes are not counted.
    """
    parsed = parse_spec(spec)
    fetch_base(store, parsed)
    refuse_too_large(parsed)
    model = sketch_model(parsed)
    layers = model_outline(model)
    fetch_if_stored(store, parsed.dataset.name)
    answer = _preview_split(parsed)
    return {
        "parameters": sum(layer["parameters"] for layer in layers),
        "layers": layers,
        "base": describe_base(model, parsed.model) if isinstance(parsed.model, BaseSpec) else None,
        "batches": -(-answer["train"] // parsed.training.batch_size),
        "memory": predict_peak(parsed, layers),
        "samples_bytes": samples_bytes(parsed),
        "memory_here": psutil.virtual_memory().available,
        **answer,
    }


def _preview_split(spec: RunSpec) -> dict[str, Any]:
    info = spec.dataset.info
    if not on_this_machine(info):
        samples = min(info.samples, spec.dataset.max_samples or info.samples)
        split = divide(np.zeros(samples, np.int32), spec.split, spec.data_seed)
        says = f"{info.name} is downloaded ({info.megabytes:.0f} MB) when the run starts."
        counts = {"train": len(split.train), "validation": len(split.validation), "test": None}
        return {**counts, "warnings": [says], "audit": None}
    audit = _audit(spec.dataset, spec.split, spec.data_seed)
    sizes = {part["name"]: part["samples"] for part in audit["parts"]}
    return {
        "train": sizes["training"],
        "validation": sizes.get("validation", 0),
        "test": sizes.get("test"),
        "warnings": [],
        "audit": audit,
    }


@lru_cache(maxsize=32)  # a form asks anew at every change of any field
def _audit(dataset: DatasetSpec, split: SplitSpec, seed: int) -> dict[str, Any]:
    loaded = load_dataset(dataset, seed, lazily=True)
    return audit_split(loaded, split_dataset(loaded, split, seed)).to_dict()


_EXHAUSTED = tf.errors.ResourceExhaustedError
_TOO_LARGE = (
    "The model needs more memory than there is for it. Allowed: a smaller model, or smaller "
    "samples."
)

OPERATIONS: dict[str, Operation] = {
    "preview": preview,
    "open_model": prediction.open_model,
    "open_file": prediction.open_file,
    "predict_samples": prediction.predict_samples,
    "predict_rows": prediction.predict_rows,
    "predict_image": prediction.predict_image,
    "evaluate": evaluation.evaluate,
    "export": exports.export_to,
    "plan_transplant": plan_transplant_into,
    "classify_application": classification.classify_application,
    "classify_run": classification.classify_run,
    "time_application": classification.time_application,
    "read_samples": explanation.read_samples,
    "explain": explanation.explain,
    "embed": embedding.embed,
}


def answer(store: Store, question: str) -> dict[str, Any]:
    """The answer to one line; what the user caused comes back as ``error`` with its kind."""
    try:
        asked = json.loads(question)
        name = asked["operation"]
        if name not in OPERATIONS:
            raise InputError(unknown("operation", name, OPERATIONS))
        return {"answer": OPERATIONS[name](store, **asked["arguments"])}
    except Exception as error:
        if _is_for_want_of_memory(error):
            return {"error": _TOO_LARGE, "kind": "WorkerError"}
        if isinstance(error, ExperimentsError):
            return {"error": str(error), "kind": type(error).__name__}
        logging.error("%s", traceback.format_exc())
        return {"error": f"{type(error).__name__}: {error}", "kind": "WorkerError"}


def _is_for_want_of_memory(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, MemoryError | _EXHAUSTED):
        error = error.__cause__
    return error is not None


def _serve(questions: TextIO, answers: TextIO) -> None:
    store = Store(use_settings(read_settings()))
    answers.write(json.dumps({"ready": os.getpid()}) + "\n")
    answers.flush()
    for question in questions:
        answers.write(json.dumps(answer(store, question)) + "\n")
        answers.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memory", type=int, metavar="BYTES")
    memory = parser.parse_args().memory
    # whatever Keras prints goes to the log, so that standard output carries answers only
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if memory is not None:
        keras.ops.add(1, 1)  # the first operation starts threads, which take a GB of addresses
        limit_process(memory, on_top=True)
    _serve(sys.stdin, replies)
