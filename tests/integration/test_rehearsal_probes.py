"""All probes at once: a spec with a service of each kind, rehearsed with all options of the command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from builder.faults.model import from_data
from builder.spec.load import load
from tests import examples

pytestmark = pytest.mark.integration

PROBES = {"ping", "tcp", "http", "kept", "tls", "greeting"}
LB1, LB2 = "lb1.example.com", "lb2.example.com"
HOST = "www.example.com"


def write_spec(folder: Path) -> Path:
    """The example `fast` with a TLS service and a plain TCP service in addition."""
    data = yaml.safe_load((examples.FOLDER / "fast.yml").read_text())
    (web,) = data["services"]
    database = {"name": "db1", "address": "192.168.56.31", "port": 3306}
    data["services"] += [
        {**web, "name": "secure", "mode": "https", "port": 443, "certificates": ["www"], "hosts": [HOST]},
        {"name": "db", "mode": "tcp", "port": 3306, "servers": [database]},
    ]
    data["tls"] = {"certificates": [{"name": "www", "chain": "www.pem", "key": "www.key"}]}
    path = folder / "cluster.yml"
    path.write_text(json.dumps(data, indent=1))  # JSON is also YAML, and has no aliases
    examples.provide(load(path))
    return path


def test_every_probe_notices_the_fault_and_is_answered_by_both_nodes(tmp_path: Path) -> None:
    words = [write_spec(tmp_path), "--only", "link-cut", "--repeat", "2", "--random-seed", "7", "--rate", "10"]
    argv = [sys.executable, "-m", "builder", "rehearse", *words, "--report", tmp_path / "report"]
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = from_data(json.loads((tmp_path / "report" / "proof.json").read_text()))
    (result,) = found.scenarios
    assert (result.repeats, found.rate_s, result.by_probe.keys()) == (2, 0.01, PROBES)
    assert all(0.1 < felt.worst < 2 for felt in result.by_probe.values())
    for trial in result.trials:
        for probe in PROBES:
            assert {sample.node for sample in trial.samples if sample.ok and sample.probe == probe} == {LB1, LB2}
