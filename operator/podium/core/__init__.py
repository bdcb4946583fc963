"""The decision. Pure: no I/O, no clock, no logging, no await; time comes in as a fact.

`decide(facts)` turns all that is known into a new status, the actions still owed, the Events worth telling, and when
to look again. Read it in this order: facts, checks, rollout (the table), phase_targets, plan.
"""
