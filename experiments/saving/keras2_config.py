"""A model's config in the words of Keras 2, so that tf.keras 2 opens the HDF5 that holds it.

Keras 3 (3.15) writes legacy HDF5 with settings, dtype policies and nodes that only Keras 3 reads;
it reads the older words as well.
"""

from typing import Any

#: Settings that Keras 2 does not have. They are left out where they have the value that Keras 3
#: itself assumes.
_NEW: dict[str, tuple[Any, ...]] = {
    "optional": (False,),
    "quantization_config": (None,),
    "lora_rank": (None,),
    "lora_alpha": (None,),
    "input_axes": (None,),
    "output_axes": (None,),
    "renorm": (False,),
    "renorm_clipping": (None,),
    "renorm_momentum": (0.99,),
    # of optimizers
    "weight_decay": (None,),
    "clipnorm": (None,),
    "global_clipnorm": (None,),
    "clipvalue": (None,),
    "use_ema": (False,),
    "ema_momentum": (0.99,),
    "ema_overwrite_frequency": (None,),
    "loss_scale_factor": (None,),
    "gradient_accumulation_steps": (None,),
}


def to_keras2(config: Any) -> Any:
    """The config with everything rewritten that Keras 2 says in other words; the rest as it is."""
    if isinstance(config, list | tuple):
        return [to_keras2(item) for item in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") == "DTypePolicy":
        return config["config"]["name"]
    plain = {
        key: to_keras2(value)
        for key, value in config.items()
        if key != "inbound_nodes" and not (key in _NEW and value in _NEW[key])
    }
    if str(config.get("class_name")).startswith("Random"):  # layers that augment have no such word
        plain["config"].pop("data_format", None)
    if config.get("class_name") == "InputLayer" and "batch_shape" in plain["config"]:
        plain["config"]["batch_input_shape"] = plain["config"].pop("batch_shape")
    if "inbound_nodes" in config:
        plain["inbound_nodes"] = _nodes(config["inbound_nodes"])
    return plain


def _nodes(nodes: list[Any]) -> list[Any]:
    """Each call of a layer as [[layer before, its call, its output, options], …]; all calls as
    Keras 3 has them where one of them cannot be said so."""
    old = [_node(node) for node in nodes]
    return nodes if any(node is None for node in old) else old


def _node(node: Any) -> list[Any] | None:
    if not isinstance(node, dict) or len(node["args"]) != 1:
        return None
    options = {key: value for key, value in node["kwargs"].items() if value is not None}
    given = node["args"][0]
    tensors = given if isinstance(given, list | tuple) else [given]
    if not all(_is_tensor(tensor) for tensor in tensors) or _has_tensor(options):
        return None
    return [[*tensor["config"]["keras_history"], options] for tensor in tensors]


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _has_tensor(value: Any) -> bool:
    if isinstance(value, dict):
        return _is_tensor(value) or any(map(_has_tensor, value.values()))
    return isinstance(value, list | tuple) and any(map(_has_tensor, value))
