"""The web channel: what the town's own site and other systems file and read, over HTTP and JSON."""
