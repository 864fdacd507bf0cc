"""The process ``centralino agi``: all entry points behind one FastAGI server."""

from __future__ import annotations

import gc
import logging
import signal
import threading
from types import FrameType

from agi_scripts import (
    direct_line,
    override,
    paused,
    survey,
    switchboard,
    unanswered,
    voice_notice,
    waiting,
)
from agi_scripts.house import Clock, House, open_house, utc_now
from agi_scripts.rehearsal import rehearse
from agi_scripts.server import Entry, Server
from agi_scripts.session import Session
from call_routing.names import Script
from desk.settings import Settings

log = logging.getLogger(__name__)

ENTRIES = {
    Script.SWITCHBOARD: switchboard.run,
    Script.UNANSWERED: unanswered.run,
    Script.OVERRIDE: override.run,
    Script.DIRECT_LINE: direct_line.run,
    Script.SURVEY: survey.run,
    Script.WAITING: waiting.run,
    Script.PAUSED: paused.run,
    Script.VOICE_NOTICE: voice_notice.run,
}


def serve(settings: Settings, *, clock: Clock = utc_now) -> None:
    """Serve until SIGTERM or SIGINT. Calls in progress then ring the back office: the dialplan sees to it."""
    house = open_house(settings, clock=clock)
    rehearse(house)
    # What is in memory now stays: the collector need not look at it again during calls.
    gc.freeze()
    entries: dict[str, Entry] = {script.value: _entry(script, house) for script in ENTRIES}
    with Server((settings.agi_address, settings.agi_port), entries, settings.agi_allowed) as server:

        def stop(_signal: int, _frame: FrameType | None) -> None:
            # shutdown() waits for serve_forever(), which this handler interrupts: it needs its own thread.
            threading.Thread(target=server.shutdown).start()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        log.info("ready for calls on %s:%d", settings.agi_address, settings.agi_port)
        server.serve_forever()


def _entry(script: Script, house: House) -> Entry:
    run = ENTRIES[script]

    def entry(session: Session) -> None:
        run(session, house)

    return entry
