"""Files of other programs, read and written: one module a format, each with a `FORMAT`; `catalogue` finds them."""
