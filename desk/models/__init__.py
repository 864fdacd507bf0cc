"""The tables of the shared request database."""

from __future__ import annotations

from desk.models.appointments import (
    Absence,
    AppointmentService,
    Booking,
    BookingChange,
    BookingState,
    BookingStep,
    Office,
    SlotPattern,
    SlotPlace,
)
from desk.models.base import Base
from desk.models.calls import Call, CallEvent, CallOutcome
from desk.models.citizens import (
    CallerPreference,
    Citizen,
    Consent,
    IdentificationAttempt,
    PhoneNumber,
    Purpose,
)
from desk.models.details import (
    CertificateDetails,
    Delivery,
    IdentifiedBy,
    MessageDetails,
    RequestDetails,
    RequestKind,
    Stamp,
    Subject,
)
from desk.models.messages import Message, MessageState
from desk.models.operators import Operator, Role
from desk.models.requests import Channel, Draft, Request, RequestPeriod, RequestState
from desk.models.town import CertificateKind, Closure, OpeningHours, Phone, Tier

__all__ = [
    "Absence",
    "AppointmentService",
    "Base",
    "Booking",
    "BookingChange",
    "BookingState",
    "BookingStep",
    "Call",
    "CallEvent",
    "CallOutcome",
    "CallerPreference",
    "CertificateDetails",
    "CertificateKind",
    "Channel",
    "Citizen",
    "Closure",
    "Consent",
    "Delivery",
    "Draft",
    "IdentificationAttempt",
    "IdentifiedBy",
    "Message",
    "MessageDetails",
    "MessageState",
    "Office",
    "OpeningHours",
    "Operator",
    "Phone",
    "PhoneNumber",
    "Purpose",
    "Request",
    "RequestDetails",
    "RequestKind",
    "RequestPeriod",
    "RequestState",
    "Role",
    "SlotPattern",
    "SlotPlace",
    "Stamp",
    "Subject",
    "Tier",
]
