"""Rollouts in virtual time: what a ModelDeployment would do to versions whose true shares of bad answers are assumed.

    world           the one simulated world, with the real operator in it, for stories, promises and the trials below
    assumed         what is assumed of a version, guard by guard, and what is taken where nothing is said
    answers         what such a version's pods count: draws, not one answer after the other
    drawn_clients   the requests that bring them: how many reach each pod
    population      clients who stay: users with a cookie, connections that are kept open
    seats           on which side each of them is
    pace            how often a trial is reconciled
    trial           one trial in the world
    many            a number of trials, on all cores, each with a seed of its own
    figures         what came of them: chances with intervals, medians, shares over time
    window          the same figures for a threshold on fixed windows, as others have it

What belongs here: the world outside the operator, and what comes of trials in it. What does not: any rule of the core
or the controller a second time. In a trial gates are taken to pass, and pods to start at once and never to crash.
"""
