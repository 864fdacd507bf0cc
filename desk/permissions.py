"""What each role may do: the one table."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto

from desk.models import Role


class Permission(StrEnum):
    """Everything that somebody may be allowed to do. Pages and use cases ask for these, never for a role."""

    #: What everybody does who may log in: the start page, the own profile, logging out.
    USE_CONSOLE = auto()
    ANSWER_CALLS = auto()
    #: Listen to talks, whisper, move people between the tiers.
    SUPERVISE_CALLS = auto()
    #: Recordings of whole talks, which only few may hear.
    HEAR_TALKS = auto()
    SEE_REQUESTS = auto()
    WORK_REQUESTS = auto()
    #: Give requests to others, several at once.
    ASSIGN_REQUESTS = auto()
    SEE_AGENDA = auto()
    BOOK_APPOINTMENTS = auto()
    #: Absences, patterns and capacity.
    MANAGE_AGENDA = auto()
    SEE_CITIZENS = auto()
    #: Data and consents of a citizen, as asked for at the desk.
    CHANGE_CITIZENS = auto()
    #: Take out and erase what is kept about a person.
    EXPORT_AND_ERASE_CITIZENS = auto()
    #: Courses, rooms, certificate kinds, offices.
    MANAGE_SERVICES = auto()
    #: Opening hours and closures.
    MANAGE_HOURS = auto()
    SET_NOTICES = auto()
    #: Prompts and the templates of text messages.
    MANAGE_TEXTS = auto()
    SEE_STATISTICS = auto()
    EXPORT_STATISTICS = auto()
    #: Who called, in the list of the calls behind a figure.
    SEE_CALLERS = auto()
    #: Put figures on a screen on the wall, have them sent by mail.
    SHARE_STATISTICS = auto()
    SEE_JOBS = auto()
    SEE_AUDIT = auto()
    MANAGE_OPERATORS = auto()
    MANAGE_PHONES = auto()
    MANAGE_API_KEYS = auto()


_OPERATOR = frozenset(
    {
        Permission.USE_CONSOLE,
        Permission.ANSWER_CALLS,
        Permission.SEE_REQUESTS,
        Permission.WORK_REQUESTS,
        Permission.SEE_AGENDA,
        Permission.BOOK_APPOINTMENTS,
        Permission.SEE_CITIZENS,
        Permission.CHANGE_CITIZENS,
    }
)

#: A manager sees how the desk does and sets what it offers; the work with citizens is the operators'.
_MANAGER = frozenset(
    {
        Permission.USE_CONSOLE,
        Permission.SEE_REQUESTS,
        Permission.SEE_AGENDA,
        Permission.MANAGE_AGENDA,
        Permission.MANAGE_SERVICES,
        Permission.MANAGE_HOURS,
        Permission.SET_NOTICES,
        Permission.MANAGE_TEXTS,
        Permission.SEE_STATISTICS,
        Permission.EXPORT_STATISTICS,
        Permission.SHARE_STATISTICS,
        Permission.SEE_JOBS,
    }
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.OPERATOR: _OPERATOR,
    Role.SUPERVISOR: _OPERATOR
    | {
        Permission.SUPERVISE_CALLS,
        Permission.HEAR_TALKS,
        Permission.ASSIGN_REQUESTS,
        Permission.MANAGE_AGENDA,
        Permission.SET_NOTICES,
        Permission.SEE_STATISTICS,
        Permission.SEE_CALLERS,
        Permission.SEE_JOBS,
    },
    Role.MANAGER: _MANAGER,
    Role.ADMIN: frozenset(Permission),
}


def may(role: Role, permission: Permission) -> bool:
    """Whether somebody of that role may do it."""
    return permission in PERMISSIONS[role]


def roles_that_may(permission: Permission) -> frozenset[Role]:
    """Every role that may do it."""
    return frozenset(role for role in Role if may(role, permission))
