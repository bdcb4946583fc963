"""What is written down and shown: observations that need no decision (`observed`), readiness, conditions, messages,
Events, and the record in the registry. Nothing here moves a rollout.
"""
