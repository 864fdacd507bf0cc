from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from prompts.catalogue import Catalogue, load_catalogue
from prompts.speaking import italian

CatalogueOf = Callable[..., Catalogue]


@pytest.fixture
def catalogue_of(tmp_path: Path) -> CatalogueOf:
    """Makes a catalogue from the text of its TOML files: ``catalogue_of(it="...", en="...")``."""

    def build(**texts: str) -> Catalogue:
        folder = tmp_path / "texts"
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.toml"):
            old.unlink()
        for language, text in texts.items():
            (folder / f"{language}.toml").write_text(text, encoding="utf-8")
        return load_catalogue(tmp_path / "sounds", folder)

    return build


@pytest.fixture
def few_fragments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Italian with two numbers: where the files matter, not the words, 300 of them only take time."""
    monkeypatch.setattr(italian, "fragments", lambda: {"number.1": "uno", "number.21": "ventuno"})
