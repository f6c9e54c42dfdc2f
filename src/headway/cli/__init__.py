"""The command line: one file a noun; it speaks only through the SDK."""
