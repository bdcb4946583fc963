"""The promises under disorder: the real operator in the simulated world, thousands of seeds (`make bench-promises`).

scenario   one seed: what people do and what goes wrong, then calm, and what must be so in the end
"""
