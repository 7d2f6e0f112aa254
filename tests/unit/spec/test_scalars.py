"""Words of YAML that its versions read in one way, and those that they do not."""

from __future__ import annotations

import pytest
import yaml

from builder.spec.positions import meaning
from builder.spec.syntax import Unfit


def read(word: str) -> object:
    return meaning(yaml.compose(word).tag, word)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("demo", "demo"),
        ("10.1.2.3", "10.1.2.3"),
        ("2.3.3", "2.3.3"),
        ("2.3", 2.3),
        ("24", 24),
        ("-1", -1),
        ("0", 0),
        ("true", True),
        ("null", None),
        ("~", None),
        ("2024-01-31", "2024-01-31"),
        ("=", "="),
    ],
)
def test_a_plain_word_has_its_plain_meaning(word: str, value: object) -> None:
    assert read(word) == value
    assert type(read(word)) is type(value)


@pytest.mark.parametrize("word", ["no", "Yes", "on", "OFF", "True", "FALSE"])
def test_a_word_that_may_be_a_truth_value_must_be_quoted(word: str) -> None:
    with pytest.raises(Unfit) as caught:
        read(word)
    assert caught.value.hint == f'for text, put it in quotes: "{word}"'


@pytest.mark.parametrize("word", ["010", "0x1F", "0b11", "1_000", "10:30", "+80", "1.5e+3", ".inf", ".nan", "9" * 30])
def test_a_number_that_may_be_read_in_two_ways_is_refused(word: str) -> None:
    with pytest.raises(Unfit, match="in a form that not every program reads alike"):
        read(word)
