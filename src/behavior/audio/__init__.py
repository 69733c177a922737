"""Sound as samples: reading and writing recordings block by block, and the one streaming spectrogram."""
