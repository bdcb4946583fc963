"""What a file would do to a deployment, said before it is applied. `podium diff` and `podium plan` show it.

    differences     what the object would be after `apply`, and which fields of it differ; pure
    assumed_state   the cluster as the status says that it is, with pods that are well; pure
    outlook         which moves of the table follow from the new spec, and what each gate says; pure
    registry        the registry, read as the operator reads it

What belongs here: what follows from Git and the registry alone, by the operator's own table. What does not:
forecasts of answers, pods and time, which are `podium.simulation`'s; any write; texts for people, which are the verbs'.
"""
