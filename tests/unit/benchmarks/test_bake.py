"""The benchmark of bakes: its times survive an interrupted run, and its table shows the results so far."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import bake
from benchmarks.contestants import HAND_WRITTEN, PEERS, Contestant
from benchmarks.measured import Measured, Times, table

TITLES = {"base": "plain base", "cold": "ours, cold", "packer": "(a) by hand", "virt": "(b) virt-customize"}


def disk_in(folder: Path) -> Path:
    """Create a disk, like a contestant."""
    made = folder / "disk.qcow2"
    made.touch()
    return made


@pytest.fixture(autouse=True)
def sizes_are_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bake, "compressed", lambda _: 180.0)


@pytest.fixture
def times(tmp_path: Path) -> Times:
    return Times(tmp_path / "build" / "bakes.json")


def contestant(name: str, ran: list[str], work: Callable[[Path], Path] = disk_in) -> Contestant:
    """A contestant that records its runs."""

    def run(folder: Path) -> Path:
        ran.append(name)
        return work(folder)

    return Contestant(name, TITLES[name], run)


def test_contestants_take_turns(times: Times, tmp_path: Path) -> None:
    ran: list[str] = []
    bake.run([contestant("cold", ran), contestant("packer", ran)], 2, tmp_path, times)
    assert ran == ["cold", "packer", "cold", "packer"]
    assert [(each.name, each.mib) for each in times.of("cold")] == [("cold", 180.0)] * 2


def test_an_interrupted_run_keeps_its_times_and_is_resumed(times: Times, tmp_path: Path) -> None:
    ran: list[str] = []

    def interrupted(_: Path) -> Path:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bake.run([contestant("cold", ran), contestant("packer", ran, interrupted)], 2, tmp_path, times)
    ran.clear()
    again = Times(times.path)
    bake.run([contestant("cold", ran), contestant("packer", ran)], 2, tmp_path, again)
    assert ran == ["packer", "cold", "packer"]
    assert {name: len(Times(times.path).of(name)) for name in ("cold", "packer")} == {"cold": 2, "packer": 2}


def test_the_working_folders_are_removed(times: Times, tmp_path: Path) -> None:
    bake.run([contestant("cold", [])], 1, tmp_path, times)
    assert [path.name for path in tmp_path.iterdir()] == ["build"]


def test_the_table_has_medians_and_shares(times: Times) -> None:
    for name, seconds, mib in [
        *(("base", 1.0, 180.0), ("cold", 90.0, 189.0), ("cold", 120.0, 189.0), ("cold", 100.0, 189.0)),
        *(("packer", 800.0, 378.0), ("packer", 1000.0, 378.0), ("packer", 1200.0, 378.0), ("virt", 500.0, 400.0)),
    ]:
        times.keep(Measured(name, seconds, mib, 0.5, "2026-11-25"))
    assert table(times, TITLES).splitlines() == [
        "| bake | rounds | median | worst | time of (a) | time of (b) | compressed | size of (a) | size of the base |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        "| plain base | - | - | - | - | - | 180 MiB | 0.476 | 1.000 |",
        "| ours, cold | 3 | 100.0 s | 120.0 s | 0.100 | 0.200 | 189 MiB | 0.500 | 1.050 |",
        "| (a) by hand | 3 | 1000.0 s | 1200.0 s | 1.000 | 2.000 | 378 MiB | 1.000 | 2.100 |",
        "| (b) virt-customize | 1 | 500.0 s | 500.0 s | 0.500 | 1.000 | 400 MiB | 1.058 | 2.222 |",
        "",
        "Measured on 2026-11-25; load average before each bake 0.5 to 0.5.",
    ]


def test_a_table_without_peers_has_no_shares(times: Times) -> None:
    times.keep(Measured("cold", 90.0, 189.0, 0.5))
    assert "| ours, cold | 1 | 90.0 s | 90.0 s | - | - | 189 MiB | - | - |" in table(times, TITLES)


def test_without_times_the_table_is_empty(times: Times) -> None:
    assert len(table(times, TITLES).splitlines()) == 2


def test_the_options_only_and_table_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are passed like this by `make bench BENCH="--only cold,packer --rounds 1"`."""
    ran: list[str] = []
    monkeypatch.setattr(bake, "ALL", tuple(contestant(name, ran) for name in TITLES))
    kept = str(tmp_path / "kept.json")
    for words in (["--only", "cold,packer", "--rounds", "1"], ["--table"]):
        monkeypatch.setattr("sys.argv", ["bake", *words, "--times", kept, "--folder", str(tmp_path)])
        bake.main()
    assert ran == ["cold", "packer"]
    output = capsys.readouterr().out
    assert output.count("| ours, cold | 1 |") == 2


def test_an_unknown_name_is_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["bake", "--only", "warm"])
    with pytest.raises(SystemExit):
        bake.main()
    assert "unknown name: warm; known names: base, cold, settings" in capsys.readouterr().err


VIRT_CUSTOMIZE = """\
#!/bin/sh
printf '%s\\n' "$@" >"${0%/*}/asked"
"""


@pytest.mark.real_subprocess
def test_virt_customize_runs_the_same_steps_in_the_order_of_the_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "virt-customize").write_text(VIRT_CUSTOMIZE)
    (tmp_path / "virt-customize").chmod(0o755)
    base, made = tmp_path / "base.qcow2", tmp_path / "made.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", base, "1M"], check=True)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    subprocess.run([PEERS / "virt_customize.sh", base, "/source.tar.gz", made], check=True)
    asked = (tmp_path / "asked").read_text().split()
    steps = [Path(word).name for word in asked if word.endswith(".sh")]
    template = (HAND_WRITTEN / "appliance.pkr.hcl").read_text()
    assert steps == ["packages.sh", "keepalived.sh", "services.sh", "clean.sh"]
    assert sorted(steps, key=template.index) == steps
    assert "/source.tar.gz:/root/keepalived.tar.gz" in asked
    assert made.is_file()
    assert not made.with_suffix(".qcow2.work").exists()
