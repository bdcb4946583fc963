"""Where requests go: what a phase wants (`phase_targets`), how many pods a share needs (`shares`), the weights that can
be carried (`weights`), and when pods without traffic may stop (`draining`). Writing routes is the adapters' part.
"""
