"""What somebody changed of the town's own data, and the words of the town that replace ours."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base


class TownChange(Base):
    """Who changed what of the town's data, and how it was before. Rows are only ever added."""

    __tablename__ = "town_changes"
    __table_args__ = (Index(None, "what", "which"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(index=True)
    #: The log-in.
    by: Mapped[str] = mapped_column(String(40))
    #: The table, or what else it is about, and the key in it.
    what: Mapped[str] = mapped_column(String(40))
    which: Mapped[str] = mapped_column(String(120))
    #: What was there before, and since: names and values that differ. ``None`` where there was nothing.
    before: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )
    after: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    )


class PromptText(Base):
    """A sentence of the telephone in the town's own words, instead of the one that came with the program."""

    __tablename__ = "prompt_texts"

    language: Mapped[str] = mapped_column(String(5), primary_key=True)
    key: Mapped[str] = mapped_column(String(120), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(40))


class MessageText(Base):
    """A version of a text message in the town's own words; the highest one is in use.

    An empty text goes back to the words that came with the program.
    """

    __tablename__ = "message_texts"
    __table_args__ = (UniqueConstraint("language", "name", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    language: Mapped[str] = mapped_column(String(5))
    name: Mapped[str] = mapped_column(String(40))
    #: Higher than all before it, those of the program's own text included.
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime]
    written_by: Mapped[str] = mapped_column(String(40))
