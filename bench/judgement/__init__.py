"""How often the judge is wrong, and how soon it is right: simulations with seeds, no cluster.

`twins` are the tests of `podium.core.analysis.sequential` on arrays, one entry a trial; a test compares them with the
originals.
`traffic` makes the answers, `errors` and `speed` are the measurements, `windows` the thresholds that others use,
`drift` years of a champion, `outages` whole decisions while both versions fail, or a bad one alone.
"""
