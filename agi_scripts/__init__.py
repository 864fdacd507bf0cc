"""The dialogs on a live channel: the FastAGI server and its entry points, one per file.

``agi://HOST:PORT/switchboard`` runs :mod:`agi_scripts.switchboard`. Each entry point also runs as a plain AGI
script, one process per call: ``AGI(/path/to/python,-m,agi_scripts.switchboard)``.
"""
