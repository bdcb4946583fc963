"""The analysis of a trial: what the guards count, and what the counts prove.

`guards` judges; `criteria` says which shares a guard compares; `tests` keeps the sequential test of each criterion;
`counts` and `baselines` turn counters into evidence; `measures` and `promql` say what is counted; `shared_outage`
waits for a champion to recover. `sequential` holds the mathematics. What does not belong here: what follows from a
verdict (`podium.core.rollout`).
"""
