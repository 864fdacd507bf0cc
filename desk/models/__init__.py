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
from desk.models.audit import Audit, AuditAction
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
    ReportDetails,
    RequestDetails,
    RequestKind,
    Stamp,
    Subject,
)
from desk.models.jobs import Digest, JobResult, JobState
from desk.models.messages import Message, MessageState
from desk.models.operators import Operator, Role
from desk.models.requests import Channel, Draft, Request, RequestPeriod, RequestState
from desk.models.routing import (
    CallLeg,
    DeskNow,
    IngestPosition,
    QueueEvent,
    QueueStay,
    RoutingRules,
    StayOutcome,
)
from desk.models.services import CompetentOffice, Email, Fee, Notice, ReportCategory
from desk.models.town import CertificateKind, Closure, OpeningHours, Phone, Tier

__all__ = [
    "Absence",
    "AppointmentService",
    "Audit",
    "AuditAction",
    "Base",
    "Booking",
    "BookingChange",
    "BookingState",
    "BookingStep",
    "Call",
    "CallEvent",
    "CallLeg",
    "CallOutcome",
    "CallerPreference",
    "CertificateDetails",
    "CertificateKind",
    "Channel",
    "Citizen",
    "Closure",
    "CompetentOffice",
    "Consent",
    "Delivery",
    "DeskNow",
    "Digest",
    "Draft",
    "Email",
    "Fee",
    "IdentificationAttempt",
    "IdentifiedBy",
    "IngestPosition",
    "JobResult",
    "JobState",
    "Message",
    "MessageDetails",
    "MessageState",
    "Notice",
    "Office",
    "OpeningHours",
    "Operator",
    "Phone",
    "PhoneNumber",
    "Purpose",
    "QueueEvent",
    "QueueStay",
    "ReportCategory",
    "ReportDetails",
    "Request",
    "RequestDetails",
    "RequestKind",
    "RequestPeriod",
    "RequestState",
    "Role",
    "RoutingRules",
    "SlotPattern",
    "SlotPlace",
    "Stamp",
    "StayOutcome",
    "Subject",
    "Tier",
]
