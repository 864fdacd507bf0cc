"""``agi://.../direct_line``: a citizen dialled an office's own number.

The dialplan rings the office. Here the call is noted, the display is told, and a closed office is recognised:
then the switchboard answers, says the next opening and offers what can be done now.
"""

from __future__ import annotations

from agi_scripts.call_desk import CallDesk
from agi_scripts.conversing import run_as_script
from agi_scripts.handing_over import ascii_only, show
from agi_scripts.house import House
from agi_scripts.journal import CallJournal
from agi_scripts.session import Session
from call_routing import names
from desk.hand_over import HandedOver, hand_over
from desk.phone_numbers import to_e164
from ivr.conversation import Ending, Happening, Outcome

#: The switchboard's events of the same call come after it.
EVENT = 0
NODE = "direct"


def run(session: Session, house: House) -> None:
    """Note the call and leave the outcome to the dialplan: ``message`` if the office is closed."""
    # Tells the dialplan's watchdog that this server is alive.
    session.set_variable("TIMEOUT(absolute)", str(names.DIALOG_SECONDS))
    unique_id = session.env["agi_uniqueid"]
    caller = to_e164(session.env.get("agi_callerid"))
    office = session.variable(names.Variable.OFFICE)
    journal = CallJournal(house, unique_id, caller, session.env.get("agi_dnid", ""), first=EVENT)
    desk = CallDesk(house, journal, caller)
    language = desk.language()
    journal.note(NODE, Happening.ENTERED, office)
    if not desk.hours().open_now:
        journal.go_on()
        session.set_variable(names.Variable.OUTCOME, names.Outcome.MESSAGE)
        return
    session.set_variable("CHANNEL(language)", language)
    journal.close(Ending(Outcome.PERSON, NODE, language))
    shown = ascii_only(office)
    given = HandedOver(unique_id, desk.call.now(), f"per {shown}", office=office)
    desk.call.write(lambda s: hand_over(s, given))
    show(session, caller, shown)
    session.set_variable(names.Variable.OUTCOME, names.Outcome.OPERATOR)


if __name__ == "__main__":
    run_as_script(run)
