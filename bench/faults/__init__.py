"""Faults at every call of whole rollouts, one and two at once (`make bench-faults`).

kinds      what strikes at a call: the call itself fails, the operator does, others change what is Podium's
rollouts   whole rollouts in the simulated world, short ones: what people do, and where it ends
schedule   which fault strikes at which call; each call of the operator has a number
faulty_world   the simulated world of one case, and what is there in its end
case       one case: a rollout with its faults, and what must hold at every step and in the end
cases      which ones are played
branches   plays the cases of a rollout as a tree of processes, so that what they share is played once

What a case breaks can be played alone: `python -m bench.faults --case bad-answers:41.dies-after-a-write`.
"""
