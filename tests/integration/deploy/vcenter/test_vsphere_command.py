"""The commands as an operator runs them against the simulated vCenter; none of them shows a planted secret."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.core.errors import Exit
from builder.deploy.vsphere.node import CLUSTER_KEY
from builder.deploy.vsphere.session import PASSWORD as VARIABLE
from builder.deploy.vsphere.site import Site
from builder.spec.load import load
from tests import examples
from tests.integration.deploy.conftest import fake_bake
from tests.vcenter import PASSWORD, USER, Vcenter

pytestmark = pytest.mark.integration

SECONDS = 120
Vipforge = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A baked cluster with certificates and a statistics page."""
    monkeypatch.setenv("VIPFORGE_BUILD", str(tmp_path / "build"))
    path = examples.with_files("exchange2013", tmp_path / "spec")
    fake_bake(load(path))
    return path


@pytest.fixture
def vipforge(vcenter: Vcenter, spec: Path) -> Vipforge:
    """Return a function: `vipforge("deploy", …)` runs a command on the spec, with the options for the login."""

    def run(what: str, *more: str) -> subprocess.CompletedProcess[str]:
        options = ["--server", vcenter.login.server, "--user", USER, "--insecure", *more]
        options += [] if what == "destroy" else ["--network", "VM Network"]
        words = [sys.executable, "-m", "builder", "--debug", what, "vsphere", spec, *options]
        environment = os.environ | {VARIABLE: PASSWORD}
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False)

    return run


def secrets(spec: Path) -> set[str]:
    """Return the password of the statistics page, every line of every key, and vCenter's password."""
    keys = [certificate.key.read_text() for certificate in load(spec).tls.certificates]
    lines = {line for key in keys for line in key.splitlines() if not line.startswith("-----")}
    return {PASSWORD, examples.PASSWORD, *lines}


def shown_secrets(spec: Path, *runs: subprocess.CompletedProcess[str]) -> list[str]:
    output = "".join(run.stdout + run.stderr for run in runs)
    assert output
    return [secret for secret in secrets(spec) if secret in output]


def test_a_cluster_is_deployed_and_removed(vipforge: Vipforge, site: Site, spec: Path) -> None:
    planned = vipforge("deploy", "--dry-run")
    assert planned.returncode == Exit.OK
    assert site.machines() == []
    deployed = vipforge("deploy", "--wait", "0")
    assert deployed.returncode == Exit.OK, deployed.stderr
    assert deployed.stdout == planned.stdout
    again = vipforge("deploy", "--wait", "0")
    assert again.stdout == deployed.stdout.replace("+ ", "= ")
    shown = vipforge("destroy", "--dry-run")
    assert shown.stdout.count("- machine ") == len(load(spec).nodes)
    destroyed = vipforge("destroy", "--yes")
    assert destroyed.returncode == Exit.OK, destroyed.stderr
    assert site.machines() == []
    assert "nothing of cluster exchange2013 exists here" in vipforge("destroy", "--yes").stdout
    assert shown_secrets(spec, planned, deployed, again, shown, destroyed) == []


@pytest.mark.parametrize(
    ("where", "kind"), [("CloneVM_Task", "deny"), ("CloneVM_Task", "full"), ("nfc", "cut"), ("folder", "cut")]
)
def test_no_fault_shows_a_secret(vipforge: Vipforge, vcenter: Vcenter, spec: Path, *, where: str, kind: str) -> None:
    vcenter.fail(where, kind, "VirtualMachine.Provisioning.DeployTemplate")
    failed = vipforge("deploy", "--wait", "0")
    assert failed.returncode == Exit.FAILED
    assert "Traceback" in failed.stderr
    assert shown_secrets(spec, failed) == []


def test_a_wrong_password_and_a_transport_that_exposes_secrets_are_refused_without_showing_them(
    vipforge: Vipforge, spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = vipforge("deploy", "--transport", "guestinfo")
    assert "which guestinfo would reveal" in refused.stderr
    monkeypatch.setattr(f"{__name__}.PASSWORD", "planted-wrong-one")
    wrong = vipforge("deploy")
    assert "wrong user name or password" in wrong.stderr
    assert shown_secrets(spec, refused, wrong) == []


def test_vcenter_itself_gets_no_secret_except_in_the_seed_on_its_datastore(
    vipforge: Vipforge, site: Site, spec: Path
) -> None:
    vipforge("deploy", "--wait", "0")
    nodes = [found for found in site.machines() if CLUSTER_KEY in found.variables]
    assert len(nodes) == len(load(spec).nodes)
    stored = "".join(f"{found.variables} {found.machine.config}" for found in nodes)
    assert [secret for secret in secrets(spec) if secret in stored] == []
