"""``python -m desk.cli``: the command ``centralino`` without its script."""

from desk.cli import main

main(prog_name="centralino")
