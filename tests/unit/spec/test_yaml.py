"""Invalid YAML, and YAML features that a spec does not allow."""

from __future__ import annotations

import time

import pytest

BROKEN = {
    "a tab": ("network:\n\tprefix: 24\n", (2, 1), "a tab where YAML allows only spaces"),
    "an unclosed bracket": ("vips: [1, 2\ncluster: demo\n", (1, 7), "a list in brackets is not closed"),
    "an unclosed brace": ("check: {path: /\nport: 80\n", (1, 8), "a mapping in braces is not closed"),
    "an unclosed quote": ('cluster: "demo\nguest: auto\n', (1, 10), "a quoted value is not closed"),
    "a colon in a value": ("cluster: demo: two\n", (1, 14), "a colon where there can be no key"),
    "a key without a colon": ("cluster: demo\nguest\nkeepalived: x\n", (3, 1), "a key has no colon"),
    "wrong indentation": ("network:\n  prefix: 24\n gateway: x\n", (3, 2), "the indentation does not match"),
    "a reserved sign": ("cluster: @demo\n", (1, 10), "a value begins with a character that has a special meaning"),
    "a second document": ("cluster: demo\n---\ncluster: demo\n", (2, 1), "a second document begins here"),
    "an anchor defined twice": ("a: &x 1\nb: &x 2\n", (2, 4), "an anchor is defined twice"),
    "a bottomless list": ("[" * 500_000, (1, 17), "nested deeper than 16 levels"),
    "an escape beyond Unicode": ('a: "\\UFFFFFFFF"\n', (1, 7), "an escape that is not a character"),
    "an unknown escape": ('a: "\\q"\n', (1, 6), "found unknown escape character 'q'"),
}


@pytest.mark.parametrize(("text", "place", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_invalid_yaml_is_explained_with_its_place(problems, text: str, place, reason: str) -> None:
    (problem,) = problems(text)
    assert problem.reason.startswith(f"invalid YAML: {reason}")
    assert (problem.line, problem.column) == place


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "--- \n...\n", "~\n"])
def test_an_empty_spec_is_a_problem(problems, text: str) -> None:
    (problem,) = problems(text)
    assert problem.reason in {"the spec is empty", "the spec has no value"}


@pytest.mark.parametrize("text", ["- cluster\n", "cluster\n", "42\n", "[]\n"])
def test_a_spec_must_be_a_mapping(problems, text: str) -> None:
    (problem,) = problems(text)
    assert problem.reason == "the spec must be a mapping of keys and values"


def test_a_repeated_key_is_reported_with_its_first_line(problems, good: str) -> None:
    text = good.replace("  prefix: 24\n", "  prefix: 24\n  prefix: 25\n").replace(
        "    mode: tcp\n", "    name: smtp\n"
    )
    found = [(problem.line, problem.column, problem.reason, problem.hint) for problem in problems(text)]
    assert found == [
        (5, 3, "the key prefix is given twice in network", "line 4 has it too; keep one"),
        (29, 5, "the key name is given twice in service 2", "line 28 has it too; keep one"),
    ]


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("80", "a key of the spec must be a word"),
        ("~", "a key of the spec must be a word"),
        ("true", "a key of the spec must be a word"),
        ("[a, b]", "a key of the spec must be a word"),
        ("on", "a key of the spec is a word that some programs read as true or false, and others as text"),
        ("*there", "a key of the spec is an alias, which a spec does not allow"),
    ],
)
def test_a_key_must_be_a_word(problems, good: str, key: str, reason: str) -> None:
    (problem,) = problems(f"{good}{key} : x\n")
    assert (problem.line, problem.reason) == (good.count("\n") + 1, reason)


def test_an_alias_is_refused_with_a_single_problem(only_problem) -> None:
    problem = only_problem("[10.1.2.10, 10.1.2.20]", "*vips", "*vips")
    assert problem.reason == "vips of vrrp is an alias, which a spec does not allow"


def test_an_alias_bomb_does_not_expand(problems) -> None:
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
    began = time.monotonic()
    assert problems(f"a0: &a0 [x]\n{levels}")
    assert time.monotonic() - began < 5


def test_a_merge_key_is_an_unknown_key(problems, good: str) -> None:
    assert [problem.reason for problem in problems(f"{good}<<: {{guest: auto}}\n")] == ["the spec has no key <<"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system", "!secret", "!!binary"])
def test_tags_are_refused(only_problem, tag: str) -> None:
    problem = only_problem("cluster: demo", f"cluster: {tag} demo", tag)
    assert "a spec allows no tags" in problem.reason


@pytest.mark.parametrize("tag", ["!!set", "!!omap", "!thing"])
def test_tags_of_mappings_are_refused(problems, good: str, tag: str) -> None:
    (problem,) = problems(good.replace("network:\n", f"network: {tag}\n"))
    assert "a spec allows no tags" in problem.reason


@pytest.mark.parametrize("escape", ["\\a", "\\0", "\\x1b", "\\n", "\\ud800", "\\u200b", "\\_"])
def test_a_character_that_cannot_be_printed_is_refused_and_shown_escaped(only_problem, escape: str) -> None:
    problem = only_problem("cluster: demo", f'cluster: "de{escape}mo"', '"de')
    assert problem.reason == "cluster contains a control character or a line break"
    assert str(problem).split("\n")[0].isprintable()


def test_a_raw_control_character_is_located(only_problem) -> None:
    assert (
        only_problem("name: mail", "name: ma\x1bil", "\x1bil").reason
        == "the character U+001B is not allowed in a spec"
    )


def test_windows_line_ends_are_accepted(problems, good: str) -> None:
    assert problems(good.replace("\n", "\r\n")) == ()


def test_a_large_spec_full_of_problems_is_checked_in_bounded_time(problems, good: str) -> None:
    servers = "".join(f"      - {{name: s{n}, address: 10.0.0.0/8, port: 0}}\n" for n in range(2000))
    began = time.monotonic()
    assert len(problems(good + servers)) == 4000
    assert time.monotonic() - began < 20
