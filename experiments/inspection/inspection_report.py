"""What was found in a model file, as text for people."""

from typing import Any

from experiments.core.sizes import size_text

_MOST_CHANGES = 40


def write_report(item: dict[str, Any]) -> str:
    """The text of one answer of `inspect`."""
    if not item["accepted"]:
        return f"{item['file']}\n  refused: {item['reason']}"
    lines = [item["file"], *(f"  {line}" for line in _contents(item))]
    if "difference" in item:
        lines += [f"  {line}" for line in _difference(item["difference"])]
    if item.get("loaded"):
        lines.append(f"  {_loaded(item['loaded'])}")
    return "\n".join(lines)


def _contents(item: dict[str, Any]) -> list[str]:
    origin = [f"Keras {item['keras_version']}"] if item["keras_version"] else []
    origin += [f"saved {item['saved']}"] if item["saved"] else []
    lines = [", ".join([f"{item['format']}, {size_text(item['bytes'])}", *origin])]
    if item["parameters"] is not None:
        lines.append(f"{item['parameters']:,} parameters")
    width = max((len(layer["name"]) for layer in item["layers"]), default=0)
    for layer in item["layers"]:
        shapes = " ".join(
            f"{weight['name']}{tuple(weight['shape'])}" for weight in layer["weights"]
        )
        text = f"  {layer['name']:{width}}  {layer['type'] or '?':20}  {layer['parameters']:>11,}"
        lines.append(f"{text}  {shapes}".rstrip())
    if training := item["training"]:
        lines.append(
            f"compiled with {training['optimizer']}, loss {_brief(training['loss'])}, "
            f"metrics {_brief(training['metrics'])}"
        )
    if optimizer := item["optimizer"]:
        step = optimizer["iterations"]
        at = "" if step is None else f" at step {step:,}"
        lines.append(f"optimizer state: {optimizer['variables']} variables{at}")
    if state := item["training_state"]:
        lines.append(f"training state: after {state['epoch']} epochs and {state['batch']} batches")
    return [*lines, *item["notes"]]


def _difference(difference: dict[str, Any]) -> list[str]:
    if "reason" in difference:
        return [f"not compared: {difference['reason']}"]
    lines = [f"compared with {difference['first']}:"]
    if difference["identical"]:
        return [*lines, "  identical"]
    lines += [f"  gone: {name}" for name in difference["only_first"]]
    lines += [f"  new: {name}" for name in difference["only_second"]]
    changes = [
        f"  {change['layer'] or 'training'}: {change['key']} "
        f"{_brief(change['before'])} -> {_brief(change['after'])}"
        for change in (*difference["configs"], *difference["training"])
    ]
    changes += [
        f"  {change['layer'] or 'optimizer'}/{change['weight']}: {_moved(change)}"
        for change in (*difference["weights"], *difference["optimizer"])
        if not change["identical"]
    ]
    before, after = difference["optimizer_variables"]
    if before != after:
        changes.append(f"  optimizer: {before} variables -> {after}")
    lines += changes[:_MOST_CHANGES]
    if len(changes) > _MOST_CHANGES:
        lines.append(f"  and {len(changes) - _MOST_CHANGES} more; --json has them all")
    return lines


def _moved(change: dict[str, Any]) -> str:
    before, after = change["shapes"]
    if before != after:
        return f"shape {tuple(before)} -> {tuple(after)}"
    if change["relative"] is None:
        return "changed from zeros, or not finite"
    return f"relative norm {change['relative']:.2e}, largest {change['largest']:.2e}"


def _loaded(loaded: dict[str, Any]) -> str:
    if not loaded["ok"]:
        return f"not loaded: {loaded['error']}"
    return "; ".join([f"loaded with {loaded['parameters']:,} parameters", *loaded["notes"]])


def _brief(value: object) -> str:
    if isinstance(value, dict) and "class_name" in value:
        return str(value["class_name"])
    if isinstance(value, list):
        return "[" + ", ".join(_brief(item) for item in value) + "]"
    text = str(value)
    return text if len(text) <= 80 else text[:77] + "…"
