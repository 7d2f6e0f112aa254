"""Putting many questions to a node in one command."""

from __future__ import annotations

import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from builder.nodes.status import vip_holders
from builder.spec.load import load
from builder.verify.suite.answers import QUESTIONS, Answer, ask_node, parse_answers, questions, script, stanzas
from tests import examples

COMMANDS = {
    "lines": "printf 'one\\ntwo\\n'",
    "no newline": "printf x",
    "failure": "echo oops >&2; exit 3",
    "silence": "true",
    "stdin": "cat",
}


@pytest.mark.real_subprocess
def test_a_shell_answers_each_question_with_text_and_code() -> None:
    done = subprocess.run(
        ["sh", "-c", script(COMMANDS)], capture_output=True, text=True, input="not for us", timeout=10
    )
    assert parse_answers(done.stdout, COMMANDS) == {
        "lines": Answer(COMMANDS["lines"], "one\ntwo\n", 0),
        "no newline": Answer(COMMANDS["no newline"], "x", 0),
        "failure": Answer(COMMANDS["failure"], "oops\n", 3),
        "silence": Answer(COMMANDS["silence"], "", 0),
        "stdin": Answer(COMMANDS["stdin"], "", 0),
    }


@pytest.mark.real_subprocess
def test_every_question_is_valid_shell(cluster) -> None:
    text = script(questions(cluster.nodes[0], ["/etc/haproxy/haproxy.cfg"]))
    assert subprocess.run(["sh", "-n", "-c", text], capture_output=True, text=True).stderr == ""


@pytest.mark.real_subprocess
@pytest.mark.parametrize(
    ("programs", "found"),
    [
        ({}, []),
        ({"gcc": "", "make": ""}, ["gcc", "make"]),
        ({"make": "", "rpm": "exit 1"}, ["make"]),
        ({"make": "", "rpm": "echo openssl-1.0.2k-26.el7_9.x86_64"}, []),
        ({"make": "", "gcc": "", "rpm": "echo openssl-1.0.2k-26.el7_9.x86_64"}, ["gcc"]),
    ],
)
def test_make_counts_as_a_compiler_unless_a_package_requires_it(
    programs: dict[str, str], found: list[str], tmp_path: Path
) -> None:
    for name, does in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / name).chmod(0o755)
    words = ["/bin/sh", "-c", QUESTIONS["compilers"]]
    done = subprocess.run(words, capture_output=True, text=True, env={"PATH": str(tmp_path)}, timeout=10)
    assert [Path(line).name for line in done.stdout.splitlines()] == found


def test_an_incomplete_answer_is_an_error() -> None:
    host = SimpleNamespace(run=lambda *_: SimpleNamespace(stdout="x\n@@vipforge 0 lines\n", stderr="killed", rc=124))
    with pytest.raises(RuntimeError, match=r"no answer to no newline, .*: code 124, killed"):
        ask_node(host, COMMANDS)


def test_stanzas_are_the_paragraphs_of_systemctl_show() -> None:
    assert stanzas("Id=a.service\nResult=success\n\nId=b.service\nExec={ x=1 }\n") == [
        {"Id": "a.service", "Result": "success"},
        {"Id": "b.service", "Exec": "{ x=1 }"},
    ]


def test_holders_are_found_by_whole_addresses(cluster) -> None:
    line = "2: ens3    inet {}/24 scope global ens3\n"
    addresses = {
        "lb1": line.format("192.168.56.11") + line.format("192.168.56.10"),
        "lb2": line.format("192.168.56.100"),
    }
    assert vip_holders(cluster, addresses) == {"192.168.56.10": ["lb1"]}


def test_holders_of_ipv6_vips_are_found() -> None:
    addresses = {
        "lb1": "2: eth0    inet6 2001:db8:59::10/128 scope global nodad deprecated",
        "lb2": "inet6 2001:db8:59::1/64",
    }
    assert vip_holders(load(examples.FOLDER / "ipv6.yml"), addresses) == {
        "192.168.59.10": [],
        "2001:db8:59::10": ["lb1"],
        "2001:db8:59::20": [],
    }
