"""Both YAML parsers give the same nodes at the same places, so a problem has the same line with either of them."""

from __future__ import annotations

import pytest
import yaml

from builder.spec import compose
from builder.spec.compose import FastLoader, Loader
from tests import examples

TEXTS = {
    **{name: (examples.FOLDER / f"{name}.yml").read_text() for name in examples.names()},
    "letters beyond ASCII": 'page: Até já, ¹ 𝄞 "x"\nnext: {é: [ü, 漢]} # ß\nlast: z\n',
    "line ends of Windows": "a: 1\r\nb:\r\n  - x\r\n  - {c: d}\r\n",
    "quotes and blocks": "a: 'it''s'\nb: \"\\u00e9\"\nc: |\n  x\n  y\nd: >-\n  x\n\n  y\ne: ~\nf:\n",
    "anchors, aliases and tags": "a: &x 1\nb: *x\nc: !thing {d: !!str 1}\n",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_both_parsers_give_the_same_nodes(text: str) -> None:
    assert tree(FastLoader(text).get_single_node()) == tree(Loader(text).get_single_node())


def tree(node: yaml.Node) -> tuple:
    """A node's tag, place, style and content."""
    mark = node.start_mark
    value = node.value if isinstance(node, yaml.ScalarNode) else [branch(each) for each in node.value]
    quoted = isinstance(node, yaml.ScalarNode) and node.style in {'"', "'"}
    return node.tag, mark.line, mark.column, quoted, value


def branch(entry: yaml.Node | tuple[yaml.Node, yaml.Node]) -> tuple:
    return tuple(map(tree, entry)) if isinstance(entry, tuple) else tree(entry)


def test_a_spec_is_parsed_by_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "Loader", None)
    assert compose.compose(TEXTS["quickstart"], "x.yml").value
