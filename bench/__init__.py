"""Speed, as ratios against a baseline measured in the same run: ``python -m bench [--quick]``.

A private town on this machine's Asterisk takes calls from SIPp and from our own callers; see
:mod:`bench.__main__` for what is measured and what the aims are.
"""
