"""Ultrasonic vocalizations: from samples to calls, live and offline with the same code."""
