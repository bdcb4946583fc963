"""Exact shares by the weights of an HTTPRoute: one that Podium owns, or a rule of one that it adopts."""
