"""Whether numbers are names of classes, or amounts: one rule for every kind of file."""

from collections.abc import Sequence

#: Whole numbers with more different values than this are classes only where they count from 0 or
#: from 1 without a gap.
FEW = 10
_SAMPLES_OF_A_CLASS = 2


def are_classes(numbers: Sequence[float], samples: int) -> bool:
    """Whether a target with these different values, sorted, in so many samples has classes.

    Two whole numbers are. More of them are where each comes twice on average, and they are few or
    count 0, 1, 2, … without a gap, as labels are written: ages, years and prices are not.
    """
    if not all(float(number).is_integer() for number in numbers):
        return False
    if len(numbers) == 2:
        return True
    counted = numbers[0] in (0, 1) and numbers[-1] - numbers[0] == len(numbers) - 1
    several = len(numbers) * _SAMPLES_OF_A_CLASS <= samples
    return several and (len(numbers) <= FEW or counted)
