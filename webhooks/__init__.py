"""The web application, and everything inbound over HTTP."""
