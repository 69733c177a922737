"""A study's sessions: who gets what and when, and what came of it as tidy tables."""
