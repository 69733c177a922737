"""Make the sample assays again: `python sample_data/assays/remake.py`. Equal versions give equal bytes."""

from pathlib import Path

from behavior.simulate.assays import write_samples

if __name__ == "__main__":
    write_samples(Path(__file__).resolve().parent)
