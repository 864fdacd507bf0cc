"""Errors for programs (RFC 9457): a stable code, a sentence in English, nothing about citizens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Response

from webhooks.schemas import Mistake, Problem

MEDIA_TYPE = "application/problem+json"
#: Seconds after which trying again is worth while when the database is away.
RETRY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: ``code`` ends its ``type``, ``status`` is HTTP's."""

    code: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The stable name of the kind."""
        return f"urn:centralino:problem:{self.code}"


BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read")
NO_IDEMPOTENCY_KEY = Kind(
    "idempotency-key-missing", 400, "Changes need a header Idempotency-Key of 1 to 64 visible characters"
)
NO_KEY = Kind("unauthorized", 401, "An API key in force is needed, as Authorization: Bearer")
OUT_OF_SCOPE = Kind("out-of-scope", 403, "This API key may not do that")
BAD_SIGNATURE = Kind("bad-signature", 403, "The signature is missing or wrong")
UNKNOWN = Kind("not-found", 404, "There is no such thing")
WRONG_METHOD = Kind("method-not-allowed", 405, "That cannot be done here")
SLOT_TAKEN = Kind("slot-taken", 409, "The slot is full or not on offer")
TOO_MANY = Kind("too-many-appointments", 409, "The citizen has as many appointments to come as one may have")
NOT_BOOKED = Kind("not-booked", 409, "The appointment was cancelled, or its time has come")
ALREADY_ENROLLED = Kind("already-enrolled", 409, "The citizen has a place in the course, or waits for one")
COURSE_FULL = Kind("course-full", 409, "No place is left in the course, or none to wait for one")
NOT_ENROLLED = Kind("not-enrolled", 409, "The enrolment was withdrawn before")
ROOM_TAKEN = Kind("room-taken", 409, "The room has been given to somebody else for that part of the day")
TOO_LARGE = Kind("too-large", 413, "The body is too large")
WRONG_TYPE = Kind("wrong-content-type", 415, "The body must be of the content type that is described")
INVALID = Kind("invalid", 422, "A value is missing or wrong")
NOT_IN_REGISTER = Kind(
    "not-in-register", 422, "No citizen of the register has this tax code, and no verified name came with it"
)
RESIDENTS_ONLY = Kind(
    "residents-only", 422, "The register has nothing to certify about somebody who is not in it"
)
KEY_REUSED = Kind("idempotency-key-reused", 422, "The idempotency key was used for another request")
TOO_FAST = Kind("too-many-requests", 429, "This API key asks too often")
FAULT = Kind("fault", 500, "A fault of ours; it is in the log")
UNAVAILABLE = Kind("unavailable", 503, "The database cannot be reached; nothing was changed, try again")

_BY_STATUS = {
    kind.status: kind
    for kind in (BAD_REQUEST, OUT_OF_SCOPE, UNKNOWN, WRONG_METHOD, TOO_LARGE, WRONG_TYPE, FAULT, UNAVAILABLE)
}


class Refused(Exception):
    """Something is not done; the answer says which kind of problem it is."""

    def __init__(
        self, kind: Kind, *, errors: Sequence[Mistake] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.errors = errors
        self.headers = headers or {}


def wrong(pointer: str, detail: str) -> Refused:
    """One value is wrong, at a JSON pointer into the body."""
    return Refused(INVALID, errors=[Mistake(pointer=pointer, detail=detail)])


def problem(
    kind: Kind, *, errors: Sequence[Mistake] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The answer that tells of the problem."""
    body = Problem(type=kind.uri, title=kind.title, status=kind.status, errors=list(errors) or None)
    answer = Response(body.model_dump_json(exclude_none=True), kind.status, mimetype=MEDIA_TYPE)
    answer.headers.update(headers or {})
    if kind is UNAVAILABLE:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def problem_of_status(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for what Flask itself refuses."""
    return problem(_BY_STATUS.get(status, BAD_REQUEST if status < 500 else FAULT), headers=headers)
