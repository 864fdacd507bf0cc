"""The tests. A package by name, since ciw installs one called the same, which would be found instead."""
