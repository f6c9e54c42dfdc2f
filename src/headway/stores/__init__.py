"""The memory: fillings of the Store port and of the Vault port."""
