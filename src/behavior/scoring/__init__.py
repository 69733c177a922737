"""From what a session's journal holds to what a study analyses: pure folds, the same for live and for old sessions."""
