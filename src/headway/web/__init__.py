"""Pages and server-drawn pictures."""
