"""A query of a tenant sees the series with its label alone, or is refused."""

import pytest

from podium.core.permissions.queries import confined


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sum(errors_total)", 'sum(errors_total{namespace="ml"})'),
        ('sum by (a, b) (rate(x{v="1"}[5m]))', 'sum by (a, b) (rate(x{v="1", namespace="ml"}[5m]))'),
        ("a / on(x) group_left(y) b{}", 'a{namespace="ml"} / on(x) group_left(y) b{namespace="ml"}'),
        ('{__name__="x"}', '{__name__="x", namespace="ml"}'),
        ("sum(x) by (job)", 'sum(x{namespace="ml"}) by (job)'),
        ("x offset 5m", 'x{namespace="ml"} offset 5m'),
        ("x > bool 1", 'x{namespace="ml"} > bool 1'),
        ("sum(x{a=~'b|c',})", "sum(x{a=~'b|c', namespace=\"ml\"})"),
        ("x @ start()", 'x{namespace="ml"} @ start()'),
        ("count_over_time(x[1h:5m])", 'count_over_time(x{namespace="ml"}[1h:5m])'),
        ('label_replace(x, "a", "$1", "b", "(.*)")', 'label_replace(x{namespace="ml"}, "a", "$1", "b", "(.*)")'),
        ("1 + 2e3 * 0x1f", "1 + 2e3 * 0x1f"),
        ("x and on() y or z", 'x{namespace="ml"} and on() y{namespace="ml"} or z{namespace="ml"}'),
        ('a:b:c{d!="1"}', 'a:b:c{d!="1", namespace="ml"}'),
        (
            "histogram_quantile(0.9, sum by(le) (rate(h_bucket[5m])))",
            'histogram_quantile(0.9, sum by(le) (rate(h_bucket{namespace="ml"}[5m])))',
        ),
        ('{"my.metric", a="b"}', '{"my.metric", a="b", namespace="ml"}'),
        ("sum without(a)(x)", 'sum without(a)(x{namespace="ml"})'),
        ("x # comment }\n+ y", 'x{namespace="ml"}   + y{namespace="ml"}'),
        ("vector(1)", "vector(1)"),
        ("x == bool y", 'x{namespace="ml"} == bool y{namespace="ml"}'),
        ("x * Inf", 'x{namespace="ml"} * Inf'),
        ("quantile(0.5, x)", 'quantile(0.5, x{namespace="ml"})'),
        ("topk(3, x)", 'topk(3, x{namespace="ml"})'),
        ("-x", '-x{namespace="ml"}'),
        ("x[5m] offset -1d", 'x{namespace="ml"}[5m] offset -1d'),
        ("sum (x) * 1", 'sum (x{namespace="ml"}) * 1'),
        ("min_over_time(rate(x[5m])[30m:1m])", 'min_over_time(rate(x{namespace="ml"}[5m])[30m:1m])'),
    ],
)
def test_each_selector_gets_the_matcher(query: str, expected: str) -> None:
    assert confined(query, "namespace", "ml") == expected


@pytest.mark.parametrize(
    "query",
    [
        "or",
        "offset",
        'x{a="1" or b="2"}',
        "with (y = x) y",
        "info(x)",
        "x = y",
        "{",
        "x{a}",
        'x{a="b"',
        "`",
        'and{a="b"}',
        "x + unless",
        "x[$__range]",
        'x{a="b"} or or',
        "x + offset",
        "x / by",
        "sum by (a=1) (x)",
        "sum by (a + b) (x)",
        "sum by (a",
    ],
)
def test_what_cannot_be_confined_for_sure_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        confined(query, "namespace", "ml")


def test_the_value_is_text_and_never_code() -> None:
    assert confined("x", "team", 'a"} or y{b="\\') == r'x{team="a\"} or y{b=\"\\"}'


def test_placeholders_in_quotes_stay() -> None:
    query = "sum(lost{version='{{version}}', slot=~\"{{slot}}\"})"
    assert confined(query, "namespace", "ml") == query.replace("})", ', namespace="ml"})')
