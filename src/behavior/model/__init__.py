"""The field's words as pure data: events, commands, sessions, calls, doses, measures, errors. Imports none of ours."""
