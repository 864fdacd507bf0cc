"""How an operation is served: key, scope, pace, body, idempotency, and only then its handler."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.orm import Session

from desk.api_keys import BadKey, Holder, TooFast, admit
from desk.audit import AuditAction, note_look
from desk.db import Sessions, reading, transaction
from desk.kept_answers import Ask, OtherBody, filing_key, fingerprint, holder_of, once
from desk.person import person_by_tax_code, whom
from desk.pseudonyms import Pseudonyms
from desk.requests import request_by_reference
from webhooks.api import appointments, filing, statistics, town_services
from webhooks.api.operations import Asked, Operation
from webhooks.problems import (
    BAD_REQUEST,
    INVALID,
    KEY_REUSED,
    NO_IDEMPOTENCY_KEY,
    NO_KEY,
    OUT_OF_SCOPE,
    WRONG_TYPE,
    Refused,
    problem,
)
from webhooks.problems import TOO_FAST as ASKS_TOO_OFTEN
from webhooks.schemas import LookUp, Mistake, Schema

PREFIX = "/api/v1"
OPERATIONS: tuple[Operation, ...] = (
    *filing.OPERATIONS,
    *appointments.OPERATIONS,
    *town_services.OPERATIONS,
    *statistics.OPERATIONS,
)
#: The endpoints that answer to API keys instead of log-ins.
KEYED = frozenset(f"api.{operation.name}" for operation in OPERATIONS)

_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,64}", re.ASCII)
_BEARER = "Bearer "


@dataclass(frozen=True, slots=True)
class _Call:
    """An operation that a holder of a key may ask for, with what was sent: body or query, and the address."""

    operation: Operation
    holder: Holder
    body: Schema | None
    path: Mapping[str, str]
    now: datetime

    def carried_out(self, session: Session, *, key: str = "", holder: str = "") -> str:
        """The answer as JSON."""
        asked = Asked(self.now, self.path, key, holder)
        return self.operation.handler(session, self.body, asked).model_dump_json()


class Api:
    """The operations on one database. ``secret`` keys the fingerprints of what was asked, and pseudonyms."""

    def __init__(self, database: Sessions, secret: str, *, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._secret = secret
        self._pseudonyms = Pseudonyms(secret)
        self._clock = clock

    def blueprint(self) -> Blueprint:
        """All operations below :data:`PREFIX`."""
        blueprint = Blueprint("api", __name__, url_prefix=PREFIX)
        for operation in OPERATIONS:
            blueprint.add_url_rule(
                _rule(operation.path),
                operation.name,
                self._view(operation),
                methods=[operation.method],
                provide_automatic_options=False,
            )
        blueprint.register_error_handler(Refused, _refused)
        return blueprint

    def _view(self, operation: Operation) -> Callable[..., ResponseReturnValue]:
        def view(**path: str) -> ResponseReturnValue:
            now = self._clock()
            holder = self._admit(operation, now)
            body = _read_body(operation) if operation.body else _read_query(operation)
            call = _Call(operation, holder, body, path, now)
            if operation.looks:
                self._note_look(call)
            if operation.changes:
                answer = self._change(call)
            else:
                with reading(self._database) as session:
                    answer = call.carried_out(session)
            return Response(answer, operation.status, mimetype="application/json")

        return view

    def _admit(self, operation: Operation, now: datetime) -> Holder:
        header = request.headers.get("Authorization", "")
        presented = header[len(_BEARER) :] if header.startswith(_BEARER) else ""
        try:
            with transaction(self._database, durable=False) as session:
                holder = admit(session, presented, now=now)
        except BadKey as e:
            raise Refused(NO_KEY, headers={"WWW-Authenticate": "Bearer"}) from e
        except TooFast as e:
            wait = str(math.ceil(e.wait.total_seconds()))
            raise Refused(ASKS_TOO_OFTEN, headers={"Retry-After": wait}) from e
        if operation.scope is not None and operation.scope not in holder.scopes:
            raise Refused(OUT_OF_SCOPE)
        return holder

    def _note_look(self, call: _Call) -> None:
        """Before anything is shown, and whether or not there is anything to show."""
        with transaction(self._database) as session:
            body, reference, operation = call.body, call.path.get("reference"), call.operation
            who = person_by_tax_code(session, body.tax_code) if isinstance(body, LookUp) else None
            request = request_by_reference(session, reference) if reference is not None else None
            note_look(
                session,
                by=f"api key {call.holder.key_id}",
                action=AuditAction.VIEWED if who or request else AuditAction.SEARCHED,
                now=call.now,
                request_id=request.id if request else None,
                detail=operation.name if who or request else f"{operation.name}: not found",
                **whom(who, self._pseudonyms),
            )

    def _change(self, call: _Call) -> str:
        key = request.headers.get("Idempotency-Key", "")
        if not _IDEMPOTENCY_KEY.fullmatch(key):
            raise Refused(NO_IDEMPOTENCY_KEY)
        mark = fingerprint(self._secret, call.operation.name, request.path, request.get_data())
        holder = call.holder.key_id
        ask = Ask(holder, key, mark)
        try:
            with transaction(self._database) as session:
                return once(
                    session,
                    ask,
                    lambda: call.carried_out(session, key=filing_key(ask), holder=holder_of(holder)),
                    now=call.now,
                )
        except OtherBody as e:
            raise Refused(KEY_REUSED) from e


def _rule(path: str) -> str:
    """The path as Flask writes it. References have one length, so no other path below is one."""
    path = path.replace("{reference}", "{string(length=8):reference}")
    return path.replace("{", "<").replace("}", ">")


def _read_body(operation: Operation) -> Schema:
    assert operation.body is not None
    if request.mimetype != "application/json":
        raise Refused(WRONG_TYPE)
    try:
        return operation.body.model_validate_json(request.get_data())
    except ValidationError as e:
        raise _mistakes(e, "/") from e


def _read_query(operation: Operation) -> Schema | None:
    if operation.query is None:
        return None
    # A parameter that comes twice is a list, which none of ours is.
    values = {name: found[0] if len(found) == 1 else found for name, found in request.args.lists()}
    try:
        return operation.query.model_validate(values)
    except ValidationError as e:
        raise _mistakes(e, "") from e


def _mistakes(error: ValidationError, before: str) -> Refused:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    if any(mistake["type"] == "json_invalid" for mistake in found):
        return Refused(BAD_REQUEST)
    return Refused(
        INVALID,
        errors=[
            Mistake(pointer="".join(f"{before}{part}" for part in _place(mistake)), detail=mistake["msg"])
            for mistake in found
        ],
    )


def _place(mistake: ErrorDetails) -> tuple[int | str, ...]:
    # A name that we do not know is not repeated: it is as foreign as a value.
    return mistake["loc"][:-1] if mistake["type"] == "extra_forbidden" else mistake["loc"]


def _refused(refused: Refused) -> Response:
    return problem(refused.kind, errors=refused.errors, headers=refused.headers)
