"""Fixtures that several contract suites share. Here, so that a server is started once for all of them."""

from tests.contract.registry_fixtures import editor, mlflow_world, model, world

__all__ = ["editor", "mlflow_world", "model", "world"]
