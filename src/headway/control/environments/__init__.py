"""Environments: begun, extended, stopped, copied, ended, and what is remembered of them."""
