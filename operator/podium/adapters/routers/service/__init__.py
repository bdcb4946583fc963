"""Shares made of pods behind one Service: a selector and endpoints, no gateway needed."""
