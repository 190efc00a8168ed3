"""What a model file has inside, whichever of the six formats it is in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from experiments.core.errors import ModelFileError
from experiments.core.sizes import size_text
from experiments.inspection.archive import (
    CONFIG,
    METADATA,
    open_archive,
    open_weights,
    read_member,
)
from experiments.inspection.checked_hdf5 import open_hdf5, read_text
from experiments.inspection.configs import check_model, parse_json, read_attribute
from experiments.inspection.file_formats import (
    ALLOWED,
    Container,
    Format,
    recognise,
    recognise_hdf5,
)
from experiments.inspection.file_limits import MAX_CONFIG_BYTES
from experiments.inspection.yaml_configs import parse_yaml


@dataclass(frozen=True)
class Inside:
    """An open model file: the config of its model, what it was compiled with, and the HDF5 file
    with its weights, each None where it has none."""

    path: Path
    kind: Format
    config: dict[str, Any] | None
    training: dict[str, Any] | None = None
    weights: h5py.File | None = None
    keras_version: str | None = None
    backend: str | None = None
    saved: str | None = None


@contextmanager
def open_inside(path: Path) -> Iterator[Inside]:
    """The parts of a model file, open while the context lasts.

    What leads out of the file or is beyond the limits is refused with ModelFileError; the configs
    are plain data and are not judged here (``safety`` does that).
    """
    container = recognise(path)
    if container is Container.ZIP:
        with _open_keras(path) as inside:
            yield inside
    elif container is Container.HDF5:
        with _open_hdf5(path) as inside:
            yield inside
    else:
        yield _read_text(path)


@contextmanager
def _open_keras(path: Path) -> Iterator[Inside]:
    with open_archive(path) as archive:
        where = f"{path.name}: {CONFIG}"
        config = check_model(parse_json(read_member(archive, CONFIG), where), where)
        stored = read_member(archive, METADATA)
        metadata = parse_json(stored, f"{path.name}: {METADATA}") if stored else {}
        compiled = config.get("compile_config")
        with open_weights(archive, path) as weights:
            yield Inside(
                path=path,
                kind=Format.KERAS,
                config=config,
                training=compiled if isinstance(compiled, dict) else None,
                weights=weights,
                keras_version=_text(metadata.get("keras_version")),
                saved=_text(metadata.get("date_saved")),
            )


@contextmanager
def _open_hdf5(path: Path) -> Iterator[Inside]:
    with open_hdf5(path, path.name) as file:
        kind = recognise_hdf5(file, path.name)
        config = read_attribute(file, "model_config", path.name)
        if config is not None:
            check_model(config, f"{path.name}: model_config")
        legacy = file.get("model_weights", file)
        yield Inside(
            path=path,
            kind=kind,
            config=config,
            training=read_attribute(file, "training_config", path.name),
            weights=file,
            keras_version=read_text(file, "keras_version") or read_text(legacy, "keras_version"),
            backend=read_text(file, "backend") or read_text(legacy, "backend"),
        )


def _read_text(path: Path) -> Inside:
    size = path.stat().st_size
    if size > MAX_CONFIG_BYTES:
        raise ModelFileError(
            f"{path.name} is a text of {size_text(size)}, allowed for an architecture: "
            f"{size_text(MAX_CONFIG_BYTES)}."
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelFileError(f"{path.name} is a file of no known kind; {ALLOWED}.") from None
    if text.lstrip().startswith(("{", "[")):
        kind, config = Format.JSON, parse_json(text, path.name)
    else:
        kind, config = Format.YAML, parse_yaml(text, path.name)
        if not isinstance(config, dict):
            raise ModelFileError(f"{path.name} is a text without an architecture; {ALLOWED}.")
    check_model(config, path.name)
    version, backend = config.get("keras_version"), config.get("backend")
    return Inside(
        path=path, kind=kind, config=config, keras_version=_text(version), backend=_text(backend)
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
