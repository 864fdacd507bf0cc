"""What can be said of the town's data: a code without all its texts is not offered by telephone."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from prompts.catalogue import Catalogue
from prompts.town_names import missing_names

log = logging.getLogger(__name__)


def can_be_said(catalogue: Catalogue, texts: Sequence[str], code: str) -> bool:
    """Whether every language has every ``<text>.<code>``; the log says what is missing."""
    missing = missing_names(catalogue, texts, code)
    if missing:
        log.error("%s is not offered by telephone: no text %s", code, ", ".join(missing))
    return not missing
