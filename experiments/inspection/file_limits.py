"""How large a model file may be, and what is made of it, before it is refused."""

from experiments.core.errors import ModelFileError
from experiments.core.sizes import GB, MB, size_text

#: Of all arrays together, as they are declared (shape times item), stored or not.
MAX_DECLARED_BYTES = 8 * GB
#: Groups and datasets of an HDF5 file; ResNet152 with Adam has 4,000.
MAX_OBJECTS = 100_000
#: One attribute or one config. The config of ResNet152 has 0.5 MB.
MAX_CONFIG_BYTES = 64 * MB
#: Nested lists and objects of a config; nested models and wrappers need about 5 each.
MAX_CONFIG_DEPTH = 200
#: Members of a .keras archive; every vocabulary is one.
MAX_MEMBERS = 10_000
#: Declared bytes for one stored byte, asked only above EXPANSION_FLOOR. Keras does not compress.
MAX_EXPANSION = 200
EXPANSION_FLOOR = 64 * MB


def refuse_expansion(where: str, declared: int, stored: int) -> None:
    """Raise ModelFileError where ``declared`` bytes come from far fewer ``stored`` ones."""
    if declared > EXPANSION_FLOOR and declared > MAX_EXPANSION * stored:
        raise ModelFileError(
            f"{where} declares {size_text(declared)} but stores {size_text(stored)}; "
            f"more than {MAX_EXPANSION} times what is stored is refused."
        )
