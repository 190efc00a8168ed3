"""Architectures in YAML, as Keras 1 and 2 wrote them with ``to_yaml``; nothing is constructed."""

from typing import Any

import yaml

from experiments.core.errors import ModelFileError
from experiments.core.sizes import MB, size_text
from experiments.inspection.file_limits import MAX_CONFIG_DEPTH

#: The parser is pure Python (libyaml's own recursion cannot be caught): 1 MB takes 3 s.
MAX_YAML_BYTES = 8 * MB
#: What aliases may grow a document to; the largest Keras application has 60,000 values.
MAX_YAML_VALUES = 1_000_000

_SCALARS = {"str", "int", "float", "bool", "null"}
_PREFIX = "tag:yaml.org,2002:"


def parse_yaml(content: str, where: str) -> Any:
    """Plain lists, dicts, texts and numbers.

    ``!!python/tuple`` becomes a list. Raises ModelFileError for every other tag that is not plain
    YAML, for aliases that grow beyond MAX_YAML_VALUES, and for what is no YAML.
    """
    if len(content) > MAX_YAML_BYTES:
        raise ModelFileError(
            f"{where} has {size_text(len(content))} of YAML, allowed: {size_text(MAX_YAML_BYTES)}."
        )
    loader = yaml.SafeLoader(content)
    try:
        node = loader.get_single_node()
        return _Plain(loader, where).value(node, 0) if node is not None else None
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())[:200]
        raise ModelFileError(f"{where} is not valid YAML: {said}.") from None
    except RecursionError:
        raise ModelFileError(f"{where} nests deeper than {MAX_CONFIG_DEPTH} levels.") from None
    except ValueError as error:
        raise ModelFileError(f"{where} has a value that cannot be read: {error}.") from None
    finally:
        loader.dispose()


class _Plain:
    """Plain data of nodes; counts what it makes, so that aliases cannot multiply without end."""

    def __init__(self, loader: yaml.SafeLoader, where: str) -> None:
        self.loader, self.where, self.made = loader, where, 0

    def value(self, node: yaml.Node, depth: int) -> Any:
        self.made += 1
        if self.made > MAX_YAML_VALUES:
            raise ModelFileError(
                f"{self.where} grows to more than {MAX_YAML_VALUES:,} values by its aliases."
            )
        if depth > MAX_CONFIG_DEPTH:
            raise ModelFileError(f"{self.where} nests deeper than {MAX_CONFIG_DEPTH} levels.")
        tag = node.tag.removeprefix(_PREFIX)
        if isinstance(node, yaml.ScalarNode) and tag in _SCALARS:
            return self.loader.construct_object(node)
        if isinstance(node, yaml.SequenceNode) and tag in ("seq", "python/tuple"):
            return [self.value(item, depth + 1) for item in node.value]
        if isinstance(node, yaml.MappingNode) and tag == "map":
            return {
                self._key(key, depth + 1): self.value(item, depth + 1) for key, item in node.value
            }
        line = node.start_mark.line + 1
        raise ModelFileError(
            f"{self.where}, line {line}: the tag !!{tag} is refused; allowed: plain YAML and "
            "!!python/tuple."
        )

    def _key(self, node: yaml.Node, depth: int) -> str:
        key = self.value(node, depth)
        if not isinstance(key, str):
            line = node.start_mark.line + 1
            raise ModelFileError(f"{self.where}, line {line}: the key {key!r} is not text.")
        return key
