"""What is written down and shown: observations that need no decision (`observed`), readiness, conditions, messages,
Events, the record in the registry, and `explanation` and `summary`, which the verbs and the page show. Nothing here
moves a rollout.
"""
