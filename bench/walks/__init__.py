"""Walks of a ModelDeployment on the real cluster: one generated change of its spec after another, valid and invalid.

Each step must end: refused by the API server, Ready, or Stalled with a reason that the docs know. Some come in the
middle of the rollout before. A client who asks the whole time must get an answer from the last good champion, no status
may say Ready for what does not serve, and no version that works may be rejected.

Generation is pure: `ground` says what there is to choose from, `draft` holds what Git and the registry say, `changes`
and `mistakes` are the tables of valid and invalid changes, and `steps` draws from them by a seed. `outcome` tells how a
step ended and whether a status lies. `walker` plays the steps on the cluster, and `models` registers what they name.
Run it with `make bench-walks`, or `python -m bench.walks`; `--walks 1 --seed N` takes one walk again.
"""
