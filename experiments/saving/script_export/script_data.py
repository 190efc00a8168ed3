"""The data and the split of a run as lines of Python that need NumPy, scikit-learn and Keras."""

from experiments.data.catalog import DatasetInfo, Source, Task
from experiments.data.dataset_spec import DatasetSpec
from experiments.data.split.split_spec import SplitSpec

_STRATIFY = '''\
def stratify(labels, wanted, random):
    """Draw so many rows, each class by its share; returns their numbers."""
    _, numbers, counts = np.unique(labels, return_inverse=True, return_counts=True)
    quotas = counts * (wanted / len(labels))
    lowest, highest = np.minimum(counts - 1, 1), counts - 1
    takes = np.clip(np.floor(quotas).astype("int64"), lowest, highest)
    for i in np.argsort(takes - quotas, kind="stable"):  # what rounding down has left over
        if takes.sum() < wanted and takes[i] < highest[i]:
            takes[i] += 1
    held = []
    for number, take in enumerate(takes):
        held.append(random.permutation(np.flatnonzero(numbers == number))[:take])
    return np.concatenate(held)'''


_DRAW_GROUPS = '''\
def draw_groups(groups, validation, random):
    """Draw whole groups of so many rows or a little less; returns whether each row is in one."""
    _, numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)
    taken = np.zeros(len(counts), bool)
    for group in random.permutation(len(counts)):
        if counts[group] <= validation:
            taken[group] = True
            validation -= counts[group]
    if not taken.any():
        taken[np.argmin(counts)] = True
    return taken[numbers]'''

_DEAL_GROUPS = '''\
def deal_groups(groups, folds, random):
    """Deal whole groups out to folds, the largest first; returns the fold of each row."""
    _, numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)
    order = random.permutation(len(counts))
    order = order[np.argsort(-counts[order], kind="stable")]
    rows = np.zeros(folds, "int64")
    fold_of_group = np.empty(len(counts), "int64")
    for group in order:
        fold_of_group[group] = np.argmin(rows)
        rows[fold_of_group[group]] += counts[group]
    return fold_of_group[numbers]'''


def data_imports(info: DatasetInfo) -> list[str]:
    """The import that the lines of ``data_lines`` need beyond Keras and NumPy."""
    if info.source in (Source.DOWNLOAD, Source.STORED):
        return []
    name = "make_moons" if info.source is Source.GENERATED else f"load_{info.name}"
    return [f"from sklearn.datasets import {name}"]


def data_lines(spec: DatasetSpec, seed: str) -> list[str]:
    """Lines that leave the samples in ``x`` and ``y``, and keras.datasets' test part in ``x_test``,
    ``y_test``. ``seed`` names what they are made from.

    The arrays are those of experiments.data.loading, to the bit.
    """
    info = spec.info
    lines: list[str] = []
    if info.source is Source.STORED:
        most = "" if spec.max_samples is None else spec.max_samples
        keys = [("groups", info.group), ("times", info.time), ("parts", info.parts)]
        return [
            f'with h5py.File("samples.h5") as file:  # of {info.name}, from MLflow',
            f'    x, y = file["x"][:{most}], file["y"][:{most}]',
            *(f'    {key} = file["{key}"][:{most}]' for key, column in keys if column),
        ]
    if info.source is Source.DOWNLOAD:
        lines.append(f"(x, y), (x_test, y_test) = keras.datasets.{info.name}.load_data()")
    elif info.source is Source.GENERATED:
        lines += [
            f"x, y = make_moons(n_samples={info.samples}, noise=0.2, random_state={seed})",
            f"flipped = np.random.default_rng([{seed}, 1]).permutation(len(y))"
            f"[:{round(spec.noise * info.samples)}]",
            "y[flipped] = 1 - y[flipped]",
        ]
    else:
        scaled = "scaled=False, " if info.name == "diabetes" else ""
        lines.append(f"x, y = load_{info.name}({scaled}return_X_y=True)")
    for suffix in ("", "_test") if info.source is Source.DOWNLOAD else ("",):
        lines += [f"x{suffix} = {_samples(info, suffix)}", f"y{suffix} = {_targets(info, suffix)}"]
    if spec.max_samples is not None and spec.max_samples < info.samples:
        lines.append(f"x, y = x[:{spec.max_samples}], y[:{spec.max_samples}]")
    return lines


def split_functions(split: SplitSpec) -> list[str]:
    """The definitions that ``split_lines`` needs."""
    functions = {"stratified": _STRATIFY, "group": _DRAW_GROUPS}
    found = []
    if split.test_split or (split.validation_split and not split.folds):
        found.append(functions.get(split.method, ""))
    if split.folds and split.method == "group":
        found.append(_DEAL_GROUPS)
    return list(filter(None, found))


def split_lines(spec: DatasetSpec, split: SplitSpec, seed: str) -> list[str]:
    """Lines that leave ``x_train`` and ``y_train``, with validation ``x_val`` and ``y_val``, and
    with a test part that is held out ``x_test`` and ``y_test``."""
    info, lines = spec.info, []
    keys = [key for key, column in (("groups", info.group), ("times", info.time)) if column]
    keys += ["parts"] if info.parts else []
    if info.parts and info.test_given:
        lines += ["held = parts == 2  # the file's own test part", *_apart("test", keys)]
    elif split.test_split:
        random = f"np.random.default_rng([{seed}, 7])"
        held = _held_lines(split.method, split.test_split, random)
        lines += [*held, *_apart("test", keys)]
    random = f"np.random.default_rng([{seed}, 2])"
    if split.method == "given":
        lines.append("held = parts == 1  # the file's own validation part")
    elif split.folds:
        lines += _fold_lines(split, random)
    elif split.validation_split:
        lines += _held_lines(split.method, split.validation_split, random)
    else:
        return [*lines, "x_train, y_train = x, y"]
    return [*lines, "x_train, y_train, x_val, y_val = x[~held], y[~held], x[held], y[held]"]


def _apart(part: str, keys: list[str]) -> list[str]:
    """Lines that take the rows that are held from all others."""
    rest = [f"{key} = {key}[~held]" for key in keys]
    return [f"x_{part}, y_{part}, x, y = x[held], y[held], x[~held], y[~held]", *rest]


def _held_lines(method: str, share: float, random: str) -> list[str]:
    """Lines that leave in ``held`` whether each row is in a part of that share."""
    cut = f"n = math.floor(len(x) * (1.0 - {share!r}))"
    if method == "last":
        return [cut, "held = np.arange(len(x)) >= n  # the last rows, in file order"]
    if method == "shuffled":
        return [cut, f"held = np.isin(np.arange(len(x)), {random}.permutation(len(x))[n:])"]
    if method == "stratified":
        drawn = f"stratify(y.reshape(-1), len(x) - n, {random})"
        return [cut, f"held = np.isin(np.arange(len(x)), {drawn})"]
    if method == "group":
        return [cut, f"held = draw_groups(groups, len(x) - n, {random})"]
    return [
        cut,
        "border = np.sort(times)[n]",
        "held = times >= border if (times < border).any() else times > border",
    ]


def _fold_lines(spec: SplitSpec, random: str) -> list[str]:
    folds = spec.folds
    dealt = [
        "fold = np.empty(len(x), int)",
        f"fold[order] = np.arange(len(x)) % {folds}",
    ]
    lines = {
        "last": [f"fold = np.arange(len(x)) * {folds} // len(x)"],
        "shuffled": [f"order = {random}.permutation(len(x))", *dealt],
        "stratified": [
            f"labels, random = y.reshape(-1), {random}",
            "rows = [np.flatnonzero(labels == label) for label in np.unique(labels)]",
            "order = np.concatenate([random.permutation(some) for some in rows])",
            *dealt,
        ],
        "group": [f"fold = deal_groups(groups, {folds}, {random})"],
    }
    return [
        *lines[spec.method],
        f"held = fold == {(spec.fold or 1) - 1}  # fold {spec.fold or 1} of {folds} validates",
    ]


def _samples(info: DatasetInfo, suffix: str) -> str:
    if info.source is Source.DOWNLOAD and len(info.shape) == 3:  # images stay uint8
        return f"x{suffix}.reshape(-1, {', '.join(map(str, info.shape))})"
    shape = f".reshape(-1, {', '.join(map(str, info.shape))})" if len(info.shape) == 3 else ""
    return f'x{suffix}{shape}.astype("float32")'


def _targets(info: DatasetInfo, suffix: str) -> str:
    if info.task is Task.MULTICLASS:
        flat = ".reshape(-1)" if info.source is Source.DOWNLOAD else ""  # CIFAR's are (n, 1)
        return f'y{suffix}{flat}.astype("int32")'
    return f'y{suffix}.astype("float32").reshape(-1, 1)'
