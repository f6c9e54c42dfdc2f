"""The dialects people write: text in, a value and every problem with its place out.

Parsing never raises for what a person wrote, and never touches the world.
"""
