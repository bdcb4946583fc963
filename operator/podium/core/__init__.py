"""The decision. Pure: no I/O, no clock, no logging, no await; time comes in as a fact.

`decide(facts)` turns all that is known into a new status, the actions that are due, the Events to emit, and when to
reconcile again. Rooms, from the top: `decide`; `status` (what people read); `rollout` (the state machine); `traffic`,
`analysis`, `gates` and `drift`; and the values below them: `facts`, `actions`, `signature`, `digest`, `fingerprints`,
`printable`, `label_values`.
"""
