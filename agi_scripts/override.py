"""``agi://.../override``: one of our phones opens or closes the desk."""

from __future__ import annotations

from agi_scripts.conversing import run_as_script
from agi_scripts.house import House
from agi_scripts.line import AgiLine
from agi_scripts.override_desk import PhoneOverrideDesk, phone_of
from agi_scripts.session import Session
from call_routing import names
from call_routing.lamp import lamp_state
from ivr.conversation import Conversation, Happening
from ivr.override import override


class _Unlogged:
    """The call log is about citizens; who opened and closed the desk stands in ``overrides``."""

    def note(self, node: str, happening: Happening, detail: str = "") -> None:
        pass


def run(session: Session, house: House) -> None:
    """Hold the dialog with the phone on ``session``."""
    session.answer()
    session.set_variable("TIMEOUT(absolute)", str(names.DIALOG_SECONDS))

    def light(is_open: bool) -> None:
        session.set_variable(f"DEVICE_STATE({names.LAMP})", lamp_state(is_open=is_open))

    desk = PhoneOverrideDesk(house, phone_of(session.env.get("agi_channel", "")), light)
    line = AgiLine(session, house.catalogue, house.settings.recordings, session.env["agi_uniqueid"])
    Conversation(line, _Unlogged()).run(override(desk))
    session.set_variable(names.Variable.OUTCOME, names.Outcome.DONE)


if __name__ == "__main__":
    run_as_script(run)
