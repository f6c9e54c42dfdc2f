"""How large a pool is kept, by several policies over the same load."""
