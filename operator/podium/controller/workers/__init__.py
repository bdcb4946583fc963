"""Background work for each ModelDeployment: what may be slow, and must not delay a rollback."""
