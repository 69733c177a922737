"""Statistics of per-dose summaries: plain arrays in, frozen results out, each named after its paper.

The numerics read no file, draw no random number and print nothing. Where the data cannot carry a result,
`BadInput` says why.
"""
