"""Statistics of per-dose summaries: plain arrays in, frozen results out, each named after its paper.

The numerics read no file, know no clock and print nothing, and equal data give equal results to the last
bit. Where the data cannot carry a result, `BadInput` says why.
"""
