"""E-mail to the offices: the outbox and the way out."""
