"""Live devices: transports, drivers that do no I/O, and all devices of a chamber behind one door."""
