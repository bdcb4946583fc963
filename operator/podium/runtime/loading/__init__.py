"""From a reference to a model that has proved itself: fetch, digest, requirements, load, warm-up.

What belongs here: `source` (where a model comes from), `cache` (the last good copy), `artifact` (files and their
digest), `requirements` (packages), `beside` (what a second model in a process may be), `load`, which takes these
steps in order, and `process` (the last ones, in processes that only predict). What does not: answering requests. It
knows `protocols`, because the warm-up is a request like any other, and nothing of `http`.
"""
