"""The doors: what the control room needs from the world, as Protocols with their contracts.

A port says what a caller may rely on. Every filling of a port passes the same suite in
`tests/contract`.
"""
