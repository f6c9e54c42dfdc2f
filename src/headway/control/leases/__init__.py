"""Leases: asked for, passed on, and what they hold: nodes, capacity, environments under them."""
