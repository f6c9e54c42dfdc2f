"""The nouns: frozen, typed values with their invariants, one noun a file.

Nothing here reads a clock, draws a random number or touches the world.
"""
