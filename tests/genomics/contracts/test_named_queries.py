"""Values stand in a named query's text as SQL writes them, and only where it has a place for them."""

import pytest

from genomics.contracts.named_queries import QUERIES, NamedQuery

QUERY = NamedQuery("\nselect {n} from t where a = {a} and b in ({b})\n", "", {"n": 1, "a": "x", "b": ("y",)})


def test_the_examples_stand_where_nothing_is_given() -> None:
    assert QUERY.text() == "select 1 from t where a = 'x' and b in ('y')"


def test_values_are_quoted() -> None:
    assert (
        QUERY.text(a="O'Hara", b=("p", "q' or 1=1"))
        == "select 1 from t where a = 'O''Hara' and b in ('p', 'q'' or 1=1')"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"c": 1}, "no parameter c; it has n, a, b"),
        ({"n": "1"}, "n must be a whole number, not '1'"),
        ({"n": True}, "n must be a whole number"),
        ({"a": 1}, "a must be a text"),
        ({"b": "y"}, "b must be a tuple of texts, one at least, not 'y'"),
        ({"b": ()}, "b must be a tuple of texts, one at least"),
        ({"b": (1,)}, "b must be a tuple of texts, one at least"),
    ],
)
def test_what_does_not_fit_is_named(given: dict[str, object], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        QUERY.text(**given)  # type: ignore[arg-type]


def test_each_query_of_ours_uses_all_its_parameters() -> None:
    for title, query in QUERIES.items():
        for name in query.parameters:
            assert "{" + name + "}" in query.template, title
