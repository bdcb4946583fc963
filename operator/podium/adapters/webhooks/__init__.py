"""Services that answer gates. Implements the port Webhooks."""
