"""The steps between the process's first moment and its readiness, as `/metrics` names them meanwhile.

The operator reads them: a pod that still waits for the registry says nothing about the version.
"""

from enum import StrEnum


class StartupStep(StrEnum):
    """What a server that is not ready yet is doing."""

    FETCHING = "fetching"  # it queries the registry, and downloads
    LOADING = "loading"  # the files are here
