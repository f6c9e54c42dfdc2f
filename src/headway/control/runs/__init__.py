"""Runs, from being asked for to their end: queues, turns, runners, and what the clock makes."""
