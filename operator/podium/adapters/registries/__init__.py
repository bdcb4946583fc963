"""Model registries, one package each. Each implements the port Registry."""
