"""Behavioral pharmacology from the grid floor to the dose-response curve."""

__version__ = "0.1.0"
