"""Text messages: the outbox, its templates, and where messages go."""
