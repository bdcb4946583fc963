"""Texts from pods and the registry, without what a terminal or a browser would obey."""


def plain(text: str) -> str:
    """The text without control and direction characters: some of it was written by pods, or in the registry."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
