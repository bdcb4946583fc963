"""How the model server compares with `mlflow models serve`, side by side on this machine.

Both serve the same model version at the same time and are asked in turn, so that what else runs on the machine
bears on both; so do servers from PyPI (`peers`), and an echo on the same HTTP code as the limit.
Run it with `make bench-serving`, or `python -m bench.serving`.
"""
