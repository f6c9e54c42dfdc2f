"""The HTTP API: one file a noun; it translates, and holds no rules."""
