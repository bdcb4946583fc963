"""Which versions a ModelDeployment holds."""

from podium.registry.uses import Use, champion_alias, followed_alias, model_name, uses

CHURN = {
    "metadata": {"namespace": "ml", "name": "churn"},
    "spec": {"model": {"name": "churn", "version": "9"}, "registry": {"aliases": {"champion": "live"}}},
    "status": {
        "champion": {"version": "8", "digest": "sha256:8"},
        "former": {"version": "3", "digest": "sha256:3", "model": "churn-old"},
        "history": [
            {"version": "5", "outcome": "Promoted", "digest": "sha256:5"},
            {"version": "6", "outcome": "Rejected", "digest": "sha256:6"},
        ],
    },
}


def test_what_is_wanted_pinned_and_was_champion_is_in_use() -> None:
    assert list(uses(CHURN)) == [
        Use("ml", "churn", "churn", "9", "wanted"),
        Use("ml", "churn", "churn", "8", "champion", "sha256:8"),
        Use("ml", "churn", "churn-old", "3", "former", "sha256:3"),
        Use("ml", "churn", "churn", "5", "was champion", "sha256:5"),
    ]
    assert str(next(uses(CHURN))) == "ml/churn (wanted)"


def test_an_object_that_says_nothing_uses_nothing() -> None:
    empty = {"metadata": {"name": "x"}, "spec": {"model": {"name": "churn", "alias": "candidate"}}, "status": None}
    assert list(uses(empty)) == []
    assert (model_name(empty), followed_alias(empty), champion_alias(empty)) == ("churn", "candidate", "champion")


def test_the_champions_alias_is_the_specs() -> None:
    assert champion_alias(CHURN) == "live"
