"""Ways to send shares of the traffic to the slots. Each implements the port Router."""
