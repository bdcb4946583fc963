"""Ways to learn what the pods have answered. Each implements the port EvidenceSource."""
