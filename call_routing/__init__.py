"""Where a call goes: opening hours, and the Asterisk beside us that rings the phones."""
