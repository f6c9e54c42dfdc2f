"""Config of apps in environments, what it was, and what differs."""
