"""What the services beside certificates need: fees."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from desk.models.base import Base


class Fee(Base):
    """What a service of the town costs, and which rule says so."""

    __tablename__ = "fees"

    #: What is paid for, such as ``identity_card``.
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    #: In euro.
    amount: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    source: Mapped[str] = mapped_column(String(200))
