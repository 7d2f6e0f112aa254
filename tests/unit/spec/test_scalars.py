"""YAML words that all programs read alike, and words that they read differently."""

from __future__ import annotations

import pytest
import yaml

from builder.spec.positions import scalar_value
from builder.spec.syntax import InvalidValue


def read(word: str) -> object:
    return scalar_value(yaml.compose(word).tag, word)


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
def test_an_unambiguous_word_has_its_plain_value(word: str, value: object) -> None:
    assert read(word) == value
    assert type(read(word)) is type(value)


@pytest.mark.parametrize("word", ["no", "Yes", "on", "OFF", "True", "FALSE"])
def test_a_word_that_may_be_a_boolean_must_be_quoted(word: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        read(word)
    assert caught.value.hint == f'for text, put it in quotes: "{word}"'


@pytest.mark.parametrize("word", ["010", "0x1F", "0b11", "1_000", "10:30", "+80", "1.5e+3", ".inf", ".nan", "9" * 30])
def test_an_ambiguous_number_is_refused(word: str) -> None:
    with pytest.raises(InvalidValue, match="in a form that programs read differently"):
        read(word)
