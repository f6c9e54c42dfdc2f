"""Views: what the API answers and the SDK, the command line and the pages show."""
