"""`make bench-judgement` runs, and ends with one JSON object that has a figure for every row of its table."""

import json
from pathlib import Path

import pytest

from bench.judgement import __main__ as bench


def test_the_bench_ends_with_one_json_object_of_all_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench.judgement", "--quick", "--output", str(tmp_path)])
    bench.main()
    lines = capsys.readouterr().out.splitlines()
    figures = json.loads(lines[-1])
    assert set(figures["broken"]) == {"0.02", "0.03", "0.05", "0.1", "0.2"}
    assert set(figures["against_champion"]) == {"0.05", "0.5"}
    assert set(figures["clustered"]) == {"false_upper", "ratio"}
    assert set(figures["drift"]) == {"false_alarms_a_year", "false_alarms_a_year_upper", "ratio"}
    assert set(figures["shadow"]) == {"false_upper", "ratio", "answers_ratio"}
    assert set(figures["arms"]) == {"false_upper", "found"}
    assert {"false_rejections_upper", "passes", "verdict_cpu_ms", "outages_rejected", "bad_rejected"} <= set(figures)
    assert any("5 failed windows of 100" in line for line in lines)
    assert {path.name for path in tmp_path.iterdir()} == {"detection.svg", "false-rejections.svg", "waiting.svg"}
