"""`podium` on the command line, also as `kubectl podium`: one verb, one module.

What belongs here: arguments, output and exit codes. What does not: anything that a verb does beyond that. A verb's
module is imported only when the verb is used, so that each needs no more than its own extra of the package. Beside the
verbs stand `documents` (YAML as kubectl reads it) and `problems` (what is wrong with an object), for `validate`.
"""
