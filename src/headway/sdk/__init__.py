"""The client: everything the HTTP API offers, typed."""
