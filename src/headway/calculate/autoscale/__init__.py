"""How large a pool should be: simulated from what runs, what starts and what waits."""
