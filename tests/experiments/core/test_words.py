from experiments.core.words import listed


def test_names_are_listed_up_to_ten_and_the_rest_counted():
    names = [f"n{i}" for i in range(1012)]
    assert listed(names[:2]) == "n0, n1"
    assert listed(names[:10]).endswith(", n9")
    assert listed(names) == ", ".join(names[:10]) + " and 1,002 more"
    assert listed([]) == "none"
