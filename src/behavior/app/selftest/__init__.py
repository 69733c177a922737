"""`behavior selftest`: whether this machine keeps what the package promises, on a page for a bug report."""
