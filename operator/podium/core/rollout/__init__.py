"""The state machine: `transitions` is the table; `version_checks`, `gate_checks`, `template_checks`, `trial_checks`,
`rollback_checks` and `tripwires` are its questions, `lifecycle` is what is recorded on entering a phase, `desired`
resolves the version that spec.model selects, `templates` says which pod template is desired beside it, `alias` is the
champion alias in the registry, and `hindrances` says why pods of a version do not start. What a phase means for traffic
and pods is not here.
"""
