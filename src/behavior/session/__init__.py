"""A session: the pure core, its guard, its journal and folder, and the runner that brings time and devices to it."""
