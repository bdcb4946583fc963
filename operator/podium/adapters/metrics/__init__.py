"""Ways to learn what has been answered. Each implements the port PodMetrics or MetricsStore."""
