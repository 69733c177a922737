"""Companion assays of the same study: binding, microdialysis, firing, kinetics, and exposure beside effect.

Each assay has one file with its science (`binding`, `saturation`, `microdialysis`, `firing`, `kinetics`,
`exposure`: numbers in, records out, no file and no figure) and one file in `pages` that turns those records
into tables, figures and sentences. `kinds` lists them. Curves, Dunnett and mixed models are those of
`behavior.summary`; nothing of it is repeated here.
"""
