"""Simulated hardware, animals and sounds: the same bytes and samples as the real ones, at any speed."""
