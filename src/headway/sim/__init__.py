"""The wind tunnel: the real decisions over a made-up world and clock."""
