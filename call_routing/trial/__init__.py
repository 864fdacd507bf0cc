"""Telephones for trials, tests and measurements: SIPp's lines, and ears and a voice for them."""
