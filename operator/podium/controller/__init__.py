"""The shell around the core: what watches tell in, effects out. `python -m podium.controller` runs it.

What belongs here: when to reconcile (queue, watches, sweep, leader), gathering facts (observe, resting, others,
workers), carrying out what was decided (reconcile, apply), and what the operator says of itself (logs, metrics,
endpoints). `wiring` puts the parts together.
What does not: any decision about a rollout (`podium.core`), any foreign protocol (`podium.adapters`).
Read `reconcile` first.
"""
