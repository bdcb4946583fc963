"""A real Prometheus, configured as most are, finds the pods and counts what they answer."""

import asyncio

import pytest

from podium.adapters.metrics.prometheus import Prometheus
from podium.core.analysis.promql import fill
from podium.ports import Totals
from testbed.waiting import wait_until
from tests.e2e.rollout import Rollout, clients

pytestmark = pytest.mark.cluster

ANSWERS = 'podium_requests_total{namespace="{{namespace}}",podium_dev_deployment="{{name}}",version="{{version}}"'


def ask(address: str, *queries: str) -> Totals:
    async def totals() -> Totals:
        store = Prometheus(address)
        try:
            return await store.totals(queries)
        finally:
            await store.close()

    return asyncio.run(totals())


def test_prometheus_counts_what_each_version_answered(rollout: Rollout, prometheus: str, rows: list[bytes]) -> None:
    rollout.apply("1")
    rollout.settle("1")
    with clients(rollout.port, rows) as ledger:
        wait_until("a hundred answers", lambda: ledger.requests >= 100, 60)
    values = {"namespace": rollout.kubectl.namespace, "name": rollout.name, "version": "1", "slot": "a"}
    every, bad = (fill(f"sum({ANSWERS}{more}}})", values) for more in ("", ',outcome=~"model_error|nan|timeout"'))

    def counted() -> bool:
        return ask(prometheus, every).values.get(every, 0) >= ledger.requests

    wait_until("Prometheus has counted them all", counted, 30)
    assert ask(prometheus, bad).values == {bad: 0}
