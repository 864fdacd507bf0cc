"""The moment of all tests, under the name that tests of the desk know it by."""

from __future__ import annotations

from tests.conftest import NOW

__all__ = ["NOW"]
