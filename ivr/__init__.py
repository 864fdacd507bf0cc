"""What a caller hears and presses: dialogs as generators, and the one loop that runs them.

Pure standard library: no Asterisk, no database, no clock. Dialogs yield the steps of
:mod:`ivr.steps`; :mod:`ivr.conversation` plays them on a line; what a dialog needs to know of the town or
the citizen comes through the protocol in :mod:`ivr.ports`.
"""
