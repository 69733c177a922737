"""What counts as a recording when a folder is searched: apart, for it needs nothing else."""

EXTENSIONS = (".wav", ".flac", ".w64", ".rf64", ".aif", ".aiff", ".au", ".caf", ".ogg")
