"""Rollouts in virtual time: what a ModelDeployment would do to versions whose true shares of bad answers are assumed.

    world     the one simulated world, with the real operator in it: stories, promises and the controller's tests
    assumed   what is assumed of a version, guard by guard, and what is taken where nothing is said
    answers   what such a version's pods count: draws, not one answer after the other
    rollout   one trial: the real core decides at every look, and here is all that it looks at
    many      a number of trials, on all cores, each with a seed of its own
    figures   what came of them: chances with intervals, medians, shares over time
    window    the same figures for a threshold on fixed windows, as others have it

No rule of the core is here a second time. Gates are taken to hold, pods to start at once and never to crash, and
requests to go where the router of pods would send them.
"""
