"""The next step of an app in an environment, from its deployment down to each container."""
