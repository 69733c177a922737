"""The field's words as pure data: events, commands, sessions, calls, doses, measures, errors. Imports nothing of ours."""
