"""From rows to raw predictions, and from those to checked values: the model, and the thread that asks it.

What belongs here: `model` (MLflow's model, its faults told apart from the request's), `plan` (a signature compiled
once), `flavours` (what is known of MLflow's flavours), `input_checks` and `array_namespaces` (those of scikit-learn),
`signature` (what does not fit, said to people), `scoring` and `queue` (who is predicted with whom, and by which thread:
`pace`, `heartbeat`), `processes` (predictions in other processes), `outputs` (raw predictions checked and written),
`distribution` (how they are spread). What does not: the bodies of any protocol, and HTTP.
"""
