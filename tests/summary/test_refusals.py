"""A refused ED50 tells whoever planned the study what it means, whatever the reason was."""

from __future__ import annotations

import re

import numpy as np
import pytest

from behavior.summary.ed50 import NoEd50, ed50
from behavior.summary.refusals import MEANINGS, OTHERWISE, in_words
from summary.test_ed50 import animals

JARGON = re.compile(r"LL\.|ANOVA|p =|start value|parameter|asymptote(?!s` in)|converge|likelihood|fitted")


@pytest.mark.parametrize("words", [words for words, _ in MEANINGS], ids=lambda words: words[0])
def test_every_meaning_is_plain_and_says_what_to_do(words: tuple[str, ...]) -> None:
    (means,) = {in_words([f"so it is that {word}, and F(3, 20) = 0.2"]) for word in words}
    assert means != OTHERWISE
    assert not JARGON.search(means)
    assert re.search(r"test|report what", means) or "doses between" in means


@pytest.mark.parametrize(
    ("means", "more", "says"),
    [
        ([10, 10, 10, 10, 10], {}, "no effect of the drug was shown"),
        ([10, 13, 16, 12, 8], {}, "the effect turns with dose"),
        ([10, 9.6, 8.8, 7.5, 6.5], {"percent_of_vehicle": 20}, "do not span half of the effect"),
        ([10, 9.9, 9.5, 8.4, 6.0], {"fixed": {"c": 0}}, "do not span half of the effect"),
        ([10, 9, 8, 7, 6.8], {"min_effect": 0.9}, "no effect of the drug was shown"),
    ],
    ids=["flat", "turns", "far from 20 %", "too low", "too small"],
)
def test_data_without_an_ed50_are_told_in_plain_words(means, more, says) -> None:
    found = ed50(*animals(means), **more)
    assert isinstance(found, NoEd50)
    assert in_words(found.reasons).partition(says)[1] == says


def test_no_reason_that_data_give_goes_without_words() -> None:
    """Whatever small study chance draws."""
    chance, n = np.random.default_rng(5), 0
    for _ in range(60):
        doses = np.repeat([0, 1, 3, 10, 30][: chance.integers(2, 6)], chance.integers(1, 5))
        for found in (
            ed50(doses, np.round(chance.normal(10 - 2 * np.sqrt(doses) * chance.integers(0, 2), 2), 1)),
            ed50(doses, np.full(len(doses), 3.0)),
        ):
            if isinstance(found, NoEd50):
                n += 1
                assert in_words(found.reasons) != OTHERWISE, found.reasons
    assert n > 60
