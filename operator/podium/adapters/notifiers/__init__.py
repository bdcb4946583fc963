"""Receivers of events: a row in a table each. Implements the port Notifier."""
