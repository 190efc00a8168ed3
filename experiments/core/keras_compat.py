"""Everything private of Keras that the program uses: here, and nowhere else.

Each function says what no public name of Keras does. All were last seen in ``SEEN_IN``; for each a
test (tests/experiments/core/test_keras_compat.py) fails where a newer Keras lacks the name or means
something else by it. Keras is imported inside the functions alone, since everything imports core.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import h5py
    import keras

#: The version of Keras whose private names these are.
SEEN_IN = "3.15.1"


class Call(NamedTuple):
    """A layer or operation called once inside a model's graph: the symbolic tensors that it takes
    and gives, and the layers or operations that the first are from, in their order."""

    operation: Any
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    sources: Sequence[Any]


def calls_inside(model: "keras.Model") -> list[Call]:
    """All calls that a model's graph is made of; none of a model that has no graph.

    ``layer.output`` is of the first call anywhere, and of a nested model its own inside; which call
    belongs to which model only ``_nodes_by_depth`` says. A Sequential has it in ``_functional``
    once it is built.
    """
    graph = getattr(model, "_functional", None) or model
    return [
        Call(
            node.operation,
            node.input_tensors,
            node.outputs,
            [tensor._keras_history.operation for tensor in node.input_tensors],
        )
        for nodes in getattr(graph, "_nodes_by_depth", {}).values()
        for node in nodes
    ]


def all_layers(model: "keras.Model") -> list[Any]:
    """The model and every layer at any depth; ``layers`` has none that is inside a wrapper."""
    found: list[Any] = model._flatten_layers()
    return found


def top_level_weights(model: "keras.Model") -> list[Any]:
    """The weights that a model has beside those of its layers, the trainable ones first.

    ``weights`` does not say whose they are. Files of weights have them in a group of their own, by
    these two private lists.
    """
    own = [*model._trainable_variables, *model._non_trainable_variables]
    return [variable for variable in own if any(variable is weight for weight in model.weights)]


def keep_call_mode(model: "keras.Model") -> None:
    """Let ``training=False``, with which a model is called inside another one, stand.

    An outer model in training mode would overrule it (functional.operation_fn), and takes no other
    word for it than ``_call_context_args`` of what it calls.
    """
    model._call_context_args = set()


@contextmanager
def names_from_the_beginning() -> Iterator[None]:
    """Within it, Keras counts the names that it makes (conv2d_3) from the beginning, so that a
    layer has the same name whatever was built before.

    ``clear_session`` begins anew too, but then for all models, and ends more than names.
    """
    from keras.src.backend.common import global_state

    counted = "object_name_uids"
    before = global_state.get_global_attribute(counted)
    global_state.set_global_attribute(counted, defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(counted, before)


@contextmanager
def files_from(get_file: Callable[..., str]) -> Iterator[None]:
    """Within it, Keras' applications ask ``get_file``, called as ``keras.utils.get_file`` is, for
    their files; their constructors take no other source."""
    from keras.src.utils import file_utils

    keras_own = file_utils.get_file
    file_utils.get_file = get_file
    try:
        yield
    finally:
        file_utils.get_file = keras_own


def scale_rates(optimizer: "keras.optimizers.Optimizer", shares: Sequence[float]) -> None:
    """Let each variable learn at its share of the one rate that an optimizer has, in the order of
    the variables that it was, or will be, built for.

    The optimizer passes the rate on to ``update_step`` with each variable of the backend; whose it
    is ``_get_variable_index`` says. The decoupled weight decay of AdamW keeps the one rate.
    """
    step = optimizer.update_step

    def scaled(gradient: Any, variable: Any, learning_rate: Any) -> None:
        share = shares[optimizer._get_variable_index(variable)]
        step(gradient, variable, learning_rate * share)

    optimizer.update_step = scaled


def momentum_product(optimizer: "keras.optimizers.Optimizer") -> Any:
    """The variable of Nadam that multiplies up its momentums, None for other optimizers and before
    it is built; among ``variables`` it has no name of its own."""
    return getattr(optimizer, "_u_product", None)


@contextmanager
def safe_mode() -> Iterator[None]:
    """Within it, configs that bring code are refused, whatever ``enable_unsafe_deserialization``
    said before: ``safe_mode=True`` as an argument would not overrule that."""
    from keras.src.saving.serialization_lib import SafeModeScope

    with SafeModeScope(True):
        yield


def model_from_legacy_config(config: dict[str, Any]) -> Any:
    """A new, uncompiled model from a config of HDF5 or of JSON before Keras 3: classes by name
    alone, tuples as objects. ``deserialize_keras_object`` reads the format of Keras 3 only."""
    from keras.src.legacy.saving import json_utils, saving_options, saving_utils

    with saving_options.keras_option_scope(use_legacy_config=True):
        return saving_utils.model_from_config(json_utils.decode(json.dumps(config)))


def legacy_metadata(model: "keras.Model") -> dict[str, Any]:
    """What the legacy format says of a model beside its weights: ``model_config``,
    ``keras_version``, ``backend``, and of a compiled one its ``training_config``.

    Only ``save`` of a whole file asks for it in public. Keras takes the optimizer out of the
    model's own compile config (``training_config.pop`` in saving_utils); it is put back here.
    """
    from keras.src.legacy.saving import saving_options, saving_utils

    compiled = getattr(model, "_compile_config", None)
    kept = dict(compiled.config) if compiled else {}
    try:
        with saving_options.keras_option_scope(use_legacy_config=True):
            found: dict[str, Any] = saving_utils.model_metadata(model)
    finally:
        if compiled:
            compiled.config.update(kept)
    return found


def legacy_json(value: Any) -> str:
    """As JSON of the legacy format, in which Keras' objects and NumPy's numbers are plain."""
    from keras.src.legacy.saving.json_utils import get_json_type

    return json.dumps(value, default=get_json_type)


def write_names(group: "h5py.Group", attribute: str, names: Sequence[str]) -> None:
    """Names as an attribute of a legacy file; over several where HDF5's 64 kB are too few."""
    from keras.src.legacy.saving.legacy_h5_format import save_attributes_to_hdf5_group

    save_attributes_to_hdf5_group(group, attribute, [name.encode() for name in names])
