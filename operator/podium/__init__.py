"""Podium: declarative, Git-driven, self-defending rollout of MLflow models on Kubernetes.

Imports go down only: `cli | controller | runtime` -> `adapters` -> `ports` -> `core` -> `api`.
"""
