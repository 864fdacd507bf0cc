"""The names that the dialplan (``asterisk-conf/``) and the code share, each in one place.

``tests/asterisk_conf/test_names.py`` proves that the templates and this module name the same things.
"""

from __future__ import annotations

from enum import StrEnum

#: The SIP endpoint through which citizens call; phones are named by their extension.
TRUNK = "trunk"
#: The AMI user of the worker.
AMI_USER = "centralino"
#: The AMI user of the console.
CONSOLE_USER = "console"
#: The family in Asterisk's database in which ``res_pjsip`` looks for the passwords of phones in pages.
WEB_PHONES = "webphones"
#: The SIP endpoint of the page for trying the system out.
TRY_IT = "tryit"
#: The queue rule that lets the counters ring after the back office.
BACK_OFFICE_FIRST = "back-office-first"
#: What a phone dials to be paused or to take calls again; followed by an extension, the lamp for it.
PAUSE_KEY = "*22"
#: A caller's priority in the queue is this less the second since which the caller waits.
LAST_SECOND = 2147483647
#: The extension at which every context of ours starts.
START = "s"

#: A dialog that does not set ``TIMEOUT(absolute)`` within this time (seconds) counts as hung: the caller
#: hears that something went wrong and a person's phone rings.
FIRST_COMMAND_SECONDS = 15
#: What a dialog sets it to with its first command (seconds).
DIALOG_SECONDS = 1800
#: The same where a citizen is told something: a mailbox would hold the line.
NOTICE_SECONDS = 180


#: Our phones open and close the desk here; those that subscribe to it have a lamp that shows the state.
OVERRIDE = "*21"
#: The device behind the lamp, lit while the desk is open.
LAMP = "Custom:desk-open"
LIT, DARK = "INUSE", "NOT_INUSE"


#: The phone in the page of whoever works at a phone's place is named by this and the extension.
WEB_PHONE = "web"


def web_phone(extension: str) -> str:
    """The SIP endpoint of the phone in the page at that place."""
    return f"{WEB_PHONE}{extension}"


def interfaces(extension: str) -> tuple[str, str]:
    """The two phones of a place, as queues name them: the one in a page, the one on the desk."""
    return f"PJSIP/{web_phone(extension)}", f"PJSIP/{extension}"


class Context(StrEnum):
    """Contexts of the dialplan."""

    FROM_TRUNK = "from-trunk"
    SWITCHBOARD = "switchboard"
    OPERATORS = "operators"
    UNANSWERED = "unanswered"
    PHONES = "phones"
    PAUSED = "paused"
    CALL_BACK = "call-back"
    CALLED_BACK = "called-back"
    PRESSED_1 = "pressed-1"
    VOICE_NOTICE = "voice-notice"
    NOTIFIED = "notified"
    NOTICE = "notice"
    DIRECT = "direct"
    TRANSFERRED = "transferred"
    ENDED = "ended"
    RECORDED = "recorded"
    PAUSES = "pauses"
    RETURNED = "returned"
    LISTENING = "listening"


class Queue(StrEnum):
    """Queues."""

    DESK = "desk"


#: Each phone has a queue of its own: this and its extension.
PHONE_QUEUE = "phone-"


def phone_queue(extension: str) -> str:
    """The queue of one phone."""
    return f"{PHONE_QUEUE}{extension}"


class Script(StrEnum):
    """Paths of the AGI server: ``agi://address:port/<script>``, each a file in ``agi_scripts/``."""

    SWITCHBOARD = "switchboard"
    UNANSWERED = "unanswered"
    OVERRIDE = "override"
    DIRECT_LINE = "direct_line"
    SURVEY = "survey"
    WAITING = "waiting"
    PAUSED = "paused"
    VOICE_NOTICE = "voice_notice"


class Variable(StrEnum):
    """Channel variables."""

    #: Set by the AGI server before it ends: see :class:`Outcome`. Empty means that it failed.
    OUTCOME = "CENTRALINO_OUTCOME"
    #: The dialplan's own: where it records a message (path without extension).
    MESSAGE = "CENTRALINO_MESSAGE"
    #: Since when the caller waits for a person (seconds since 1970): the place in the queue.
    SINCE = "CENTRALINO_SINCE"
    #: The second that gives the caller's place, where that is not the one above: set by the AGI server for
    #: a citizen who waits for a call-back and has called again.
    PLACE = "CENTRALINO_PLACE"
    #: The dialplan's own: how long the caller is let wait (seconds since 1970).
    UNTIL = "CENTRALINO_UNTIL"
    #: What the caller was told of the wait, between two announcements (agi_scripts/live_queue.py).
    TOLD = "CENTRALINO_TOLD"
    #: The dialplan's own: phones that were ready when a round of ringing began.
    READY = "CENTRALINO_READY"
    #: The number of a citizen who is called back.
    NUMBER = "CENTRALINO_NUMBER"
    #: The dialplan's own: a phone that pauses itself.
    PHONE = "CENTRALINO_PHONE"
    #: The dialplan's own: the key that a citizen pressed who was called back.
    PRESSED = "CENTRALINO_PRESSED"
    #: The dialplan's own: what became of a call-back or of a voice notice.
    RESULT = "CENTRALINO_RESULT"
    #: Set by the AGI server: the phone that is tried first, because its operator knows the caller.
    OPERATOR = "CENTRALINO_OPERATOR"
    #: The dialplan's own: 1 for a caller whose operator's page went away in mid-call.
    CUT = "CENTRALINO_CUT"
    #: Set by the console, for all: up to which second a page that went away is expected back.
    PAGE_BACK = "CENTRALINO_PAGE_BACK"
    #: Set by the AGI server to 1 when the caller was told that the call is recorded.
    RECORD = "CENTRALINO_RECORD"
    #: The dialplan's own: the direct line that was dialled, and its office.
    LINE = "CENTRALINO_LINE"
    OFFICE = "CENTRALINO_OFFICE"
    #: The dialplan's own: to which phone a call was handed, by which one, and what its display showed.
    TO = "CENTRALINO_TO"
    FROM = "CENTRALINO_FROM"
    DISPLAY = "CENTRALINO_DISPLAY"


#: A global variable for each phone, this and its extension: up to which second the worker's pause of a silent
#: phone holds. The worker renews it; what is older ends by itself (context ``pauses``).
SILENT = "CENTRALINO_SILENT_"

#: The group of the callers who are out of the queue for an announcement, and the event that says so.
GROUP, BETWEEN, BETWEEN_EVENT = "desk", "between", "Between"


class PauseReason(StrEnum):
    """Why a phone is paused, or no longer."""

    #: It rang and nobody answered: the worker paused it.
    NO_ANSWER = "no_answer"
    #: The operator wanted it.
    OPERATOR = "operator"
    #: The operator takes calls again.
    BACK = "back"
    #: The worker that paused it is gone: the dialplan ended the pause.
    WORKER_GONE = "worker_gone"
    #: Its place is worked at with the other phone.
    ELSEWHERE = "elsewhere"


class Outcome(StrEnum):
    """What the dialplan does after a dialog."""

    #: Nothing is left to do: hang up.
    DONE = "done"
    #: A person: ring the back office, then the counters.
    OPERATOR = "operator"
    #: Nobody is there: take a message.
    MESSAGE = "message"


class Sound(StrEnum):
    """Prompts the dialplan plays by itself (``home/sounds/<language>/<key>``)."""

    SORRY = "fallback.sorry"
    LEAVE_MESSAGE = "fallback.leave_message"
    RECORDED = "fallback.recorded"
    PAUSE_BEGUN = "pause.begun"
    PAUSE_ENDED = "pause.ended"
    #: To the operator who picked up a call-back: the citizen is called now; did not answer.
    CALLING = "called_back.calling"
    NOT_REACHED = "called_back.not_reached"
    #: To the citizen: who calls, and to press 1.
    GREETING = "called_back.greeting"
    RETURNED = "fallback.returned"
    OFFICE_SILENT = "fallback.office_silent"
    #: To the citizen: the server cannot say the notice.
    NOTICE_BROKEN = "voice_notice.broken"
    #: The operator's page is gone; somebody takes over.
    LINE_LOST = "fallback.line_lost"
    #: To the operator: a supervisor listens.
    LISTENED = "fallback.listened"
