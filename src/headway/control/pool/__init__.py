"""Pools: they grow and shrink, are kept right, watched and rebalanced. Only `heart` is above."""
