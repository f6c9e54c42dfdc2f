"""How an app moves in an environment: asked for, foreseen, decided, written down."""
