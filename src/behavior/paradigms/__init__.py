"""One file a paradigm, each reading like a methods section: what a session does, and nothing about how."""
