"""From an assay's records to what a person reads: tables, figures, endpoints and sentences."""
