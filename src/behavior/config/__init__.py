"""From the TOML files that people write to validated records: every error of a file at once, with its key."""

from behavior.config.read import Record, read, read_text

__all__ = ["Record", "read", "read_text"]
