"""The optimizers that a spec may name: the one table from which all that knows them derives."""

from typing import TYPE_CHECKING, Literal, NamedTuple


class Optimizer(NamedTuple):
    """``keras_class`` is its name in ``keras.optimizers``; Keras itself is not imported here."""

    name: str
    keras_class: str
    takes_momentum: bool = False


#: By name, in the order in which they are offered.
OPTIMIZERS = {
    one.name: one
    for one in (
        Optimizer("adam", "Adam"),
        Optimizer("sgd", "SGD", takes_momentum=True),
        Optimizer("rmsprop", "RMSprop", takes_momentum=True),
        Optimizer("adamw", "AdamW"),
        Optimizer("nadam", "Nadam"),
        Optimizer("adagrad", "Adagrad"),
        Optimizer("adamax", "Adamax"),
        Optimizer("lion", "Lion"),
        Optimizer("adafactor", "Adafactor"),
    )
}
WITH_MOMENTUM = tuple(one.name for one in OPTIMIZERS.values() if one.takes_momentum)

if TYPE_CHECKING:  # mypy knows no Literal that is made from a table
    OptimizerName = str
else:
    OptimizerName = Literal[tuple(OPTIMIZERS)]
