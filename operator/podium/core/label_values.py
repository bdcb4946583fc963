"""Values of labels in Prometheus' text format, which the operator and the model server write by hand."""


def escaped(value: str) -> str:
    """The value as it stands between quotes."""
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
