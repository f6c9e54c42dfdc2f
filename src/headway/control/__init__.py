"""The heart: read a snapshot, calculate a plan, update the world; and what may be asked of it."""
