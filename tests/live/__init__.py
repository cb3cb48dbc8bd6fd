"""A short suite against the real DashScope: `make live`, with a key in the environment."""
