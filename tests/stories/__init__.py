"""Whole rollouts in virtual time: what a user would live through, as golden logs that a reviewer reads as text."""
