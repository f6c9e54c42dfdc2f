"""What a shim does, and what runners do alike.

It uses the standard library only, and of that as little as it can: every container pays for it.
"""
