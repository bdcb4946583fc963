"""Where requests go: what a phase wants (`phase_targets`), how many pods a share needs (`shares`), the weights that can
be carried (`weights`), who answers for a version without pods (`lending`), and when pods without traffic may stop
(`draining`). Writing routes is the adapters' part.
"""
