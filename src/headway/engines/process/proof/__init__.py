"""Tries out what a sandbox on this machine holds: attacks, and who runs them in a real one."""
