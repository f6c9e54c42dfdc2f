"""What may be seen: read models, made when somebody looks. Nothing of the heart needs them."""
