"""Mutation testing of the decision and of the reconcile around it (`make bench-mutation`).

tree       a copy of the project that mutmut can mutate: the package in a folder that its imports begin at
outcome    what became of each mutant, from mutmut's files

mutmut changes one thing in one function at a time, and runs the tests that reach that function; a mutant that no test
notices has survived. Texts of log lines are not mutated: they are for people, and no test reads them.
"""
