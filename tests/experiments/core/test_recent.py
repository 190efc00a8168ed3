"""A cache in memory that drops what was not used for longest."""

from concurrent.futures import ThreadPoolExecutor

from experiments.core.recent import Recent


def test_what_was_not_used_for_longest_goes_first():
    recent = Recent[str, int](2)
    recent.keep({"a": 1})
    recent.keep({"b": 2})
    recent.get(["a"])
    recent.keep({"c": 3})
    assert recent.get(["a", "b", "c"]) == {"a": 1, "c": 3}


def test_what_is_asked_at_once_stays_together_and_goes_with_the_next():
    recent = Recent[int, int](3)
    many = {number: number for number in range(10)}
    for number in many:  # read one after another
        recent.keep({number: number}, many)
    assert recent.get(many) == many
    recent.keep({99: 99})
    assert len(recent) == 3
    assert recent.get([99]) == {99: 99}


def test_weight_counts_and_what_is_kept_anew_counts_once():
    recent = Recent[str, bytes](100, len)
    for _ in range(50):
        recent.keep({"a": bytes(60)})
    recent.keep({"b": bytes(40)})
    assert set(recent.get("ab")) == {"a", "b"}
    recent.keep({"c": bytes(1)})
    assert set(recent.get("abc")) == {"b", "c"}


def test_many_threads_may_share_it():
    recent = Recent[int, int](50)

    def use(start: int) -> None:
        for number in range(start, start + 500):
            recent.keep({number % 200: number})
            recent.get(range(number % 200))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, range(8)))
    assert len(recent) == 50
