"""Drift: whether what a model is asked, and answers, is still like its training data. Numbers in, an alarm out.

    sample     how far a finite sample may be from what it was drawn from
    directions the ways in which the shares of a feature's bins may move
    reference  one feature of a training profile, and the bets against it
    detector   blocks of counts against a reference, for years: what is bounded is how often it alarms
    profile    the file of the training profile, as the model server and its makers have it
    reports    what the pods of a version say, together
    comparison one look at all that was counted

What does not belong here: how rows fall into bins (`podium.runtime`), and what follows from an alarm.
"""

from podium.core.drift.detector import DriftDetector, FeatureDetector
from podium.core.drift.reference import Reference, stability_index

__all__ = ["DriftDetector", "FeatureDetector", "Reference", "stability_index"]
