"""The shared request database and the use cases on it."""
