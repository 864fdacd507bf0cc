"""Each entry point as a plain AGI script: a process of its own, Asterisk on standard input and output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from call_routing.names import Script
from desk.call_log import call_story
from desk.db import connect, migrate, reading, sessions
from desk.settings import Settings

#: What operators hear is no citizen's call.
OF_OPERATORS = {Script.OVERRIDE, Script.PAUSED}


@pytest.mark.parametrize("script", [Script.SWITCHBOARD, Script.UNANSWERED])
def test_an_entry_point_runs_as_a_process_and_logs_its_call(script: Script, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    migrate(settings.url)
    header = (
        f"agi_request: {script}\nagi_uniqueid: 5.{script}\nagi_callerid: 3331112201\nagi_dnid: 0200000100\n\n"
    )
    # Answer, time limit, and a caller who hangs up in the first prompt.
    answers = "200 result=0\n200 result=1\n200 result=-1\n"
    done = subprocess.run(
        [sys.executable, "-m", f"agi_scripts.{script}"],
        input=header + answers,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "CENTRALINO_HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    commands = done.stdout.splitlines()
    assert commands[0] == "ANSWER"
    assert commands[1].startswith('SET VARIABLE "TIMEOUT(absolute)"')
    # The one that tells the wait asks the queue first.
    assert commands[2].startswith(("EXEC Read ", "GET FULL VARIABLE "))
    assert "3331112201" not in done.stderr
    with reading(sessions(connect(settings.url))) as session:
        call = call_story(session, f"5.{script}")
    if script in OF_OPERATORS:
        assert call is None
        return
    assert call is not None
    assert call.caller_e164 == "+393331112201"
    assert call.events[-1].event == "hung_up"
