"""What can be said of the town's data: a code without all its texts is not offered by telephone."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from prompts.catalogue import Catalogue

log = logging.getLogger(__name__)


def can_be_said(catalogue: Catalogue, texts: Sequence[str], code: str) -> bool:
    """Whether every language has every ``<text>.<code>``; the log says what is missing."""
    missing = {
        f"{text}.{code}"
        for text in texts
        for language in catalogue.languages
        if f"{text}.{code}" not in catalogue.keys(language)
    }
    if missing:
        log.error("%s is not offered by telephone: no text %s", code, ", ".join(sorted(missing)))
    return not missing
