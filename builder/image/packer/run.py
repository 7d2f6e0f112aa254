"""One run of Packer, driven through python-packer: validated, followed, bounded in time, and ended."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import packer

from builder.core import files, progress
from builder.core.errors import TimedOut, UserError, cause
from builder.core.run import Completed, contain, run, stream
from builder.host.packer import PackerFacts
from builder.host.qemu import accelerator
from builder.image.packer.builders import Builder, TemplateInputs, access
from builder.image.packer.output import BakeLogs, LogFollower
from builder.image.packer.template import Reach, template, template_json
from builder.image.plan import BakePlan, PreparedBake, Surroundings

VALIDATE_SECONDS = 60
VARIABLE = "PKR_VAR_"
"""Begins the names of variables in the environment that fill Packer's own."""
UNSET = re.compile(r'Unset variable "(\w+)"')

Execute = Callable[[list[str]], object]


class CommandLine:
    """A command line that python-packer lengthens word by word, as it would an `sh.Command`."""

    def __init__(self, words: list[str], execute: Execute) -> None:
        self._words = words
        self._execute = execute

    def __getattr__(self, subcommand: str) -> Self:
        return self.bake(subcommand)

    def bake(self, *words: str) -> Self:
        """The command line with more words; `sh`'s name for it."""
        return type(self)([*self._words, *words], self._execute)

    def __call__(self) -> object:
        """Run it."""
        return self._execute(self._words)


class Packer(packer.Packer):  # type: ignore[misc] # python-packer has no types
    """Packer on one template, whose folder it runs in: `validate()` and `build()`."""

    def __init__(
        self, template: Path, *, program: Path, environment: Mapping[str, str], var_file: Path | None = None
    ) -> None:
        given = str(var_file.absolute()) if var_file else None
        super().__init__(str(template), exec_path=str(program), var_file=given)
        self._folder = template.absolute().parent
        self._program = str(program)
        self._environment = {
            "CHECKPOINT_DISABLE": "1",
            "PACKER_NO_COLOR": "1",
            **_variables(),
            **environment,
        }

    def validate(self, syntax_only: bool = False) -> None:
        """Let Packer check the template; raises UserError with Packer's own words."""
        self.packer = CommandLine([self._program], self._run)
        verdict = super().validate(syntax_only)
        said = getattr(verdict, "said", verdict.error)  # python-packer's own object where Packer could not be run
        missing = sorted(set(UNSET.findall(said)))
        if missing:
            raise UserError(
                f"this builder needs {', '.join(missing)}",
                hint=f"give them in a Packer var file (--var-file), or in the environment as {VARIABLE}{missing[0]} …",
            )
        if not verdict.succeeded:
            raise UserError(f"Packer refuses the template {self.packerfile}:\n{said}")

    def build(self, execute: Execute) -> None:
        """Let `execute` run the build's command line, which asks for machine-readable output."""
        self.packer = CommandLine([self._program], execute)
        super().build(parallel=False, machine_readable=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that Packer is to run with."""
        return self._environment

    def _run(self, words: list[str]) -> TemplateVerdict:
        return TemplateVerdict(
            run(words, timeout=VALIDATE_SECONDS, cwd=self._folder, env=self._environment, check=False)
        )


def _variables() -> dict[str, str]:
    """Packer's variables in the environment; the vCenter's password has the name there that other commands know."""
    given = {name: value for name, value in os.environ.items() if name.startswith(VARIABLE)}
    password = os.environ.get("VIPFORGE_VSPHERE_PASSWORD")
    return {f"{VARIABLE}vsphere_password": password, **given} if password else given


class TemplateVerdict:
    """The result object that python-packer writes `succeeded` and `error` on."""

    def __init__(self, completed: Completed) -> None:
        self.exit_code = completed.code
        self.said = completed.out + completed.err
        self.succeeded = False
        self.error: str | None = None


BAKE_SECONDS = 45 * 60
INSTALL_SECONDS = 3 * 60 * 60
"""For a guest that installs its packages during the bake, or all of itself."""
TEMPORARY = "tmp"
"""Where Packer's plugins have their sockets, named from the folder that Packer runs in: the path of a socket has room
for 107 characters (unix(7)), and a checkout may lie deep."""


@dataclass(frozen=True)
class PackerRun:
    """What one run works with. `work` is removed afterwards; `var_file` fills Packer's variables."""

    packer: PackerFacts
    bake: PreparedBake
    reach: Reach
    work: Path
    logs: BakeLogs
    var_file: Path | None = None

    @property
    def limit(self) -> int:
        """Seconds that the whole run may take."""
        return INSTALL_SECONDS if self._plan.guest.facts.repositories else BAKE_SECONDS

    def run(self) -> TemplateInputs:
        """Let Packer check the template and bake; raises UserError with the last words of the guest."""
        program, made = self.packer, self._inputs()
        described = self.work / "appliance.pkr.json"
        files.write_atomic(described, template_json(template(made, program.version, self._builder)))
        driver = Packer(described, program=program.path, environment=self._environment(), var_file=self.var_file)
        driver.validate()
        where = f" ({made.accelerator})" if self._builder.local else " in the vCenter"
        with progress.step(f"baking the appliance with Packer {program.text}{where}"):
            follower = LogFollower(self.logs.provision)
            try:
                driver.build(partial(self._execute, environment=driver.environment, follower=follower))
            except UserError as failure:
                raise self._explained(failure, follower.step) from failure
            finally:
                follower.phases.end()
        return made

    @property
    def _plan(self) -> BakePlan:
        return self.bake.plan

    @property
    def _builder(self) -> Builder:
        return self._plan.builder

    def _inputs(self) -> TemplateInputs:
        plan, foundation = self._plan, self.bake.foundation
        around = Surroundings(
            foundation=foundation,
            foundation_sha256=self.bake.foundation_sha256,
            accelerator=accelerator(foundation.kernel) if plan.builder.local else "",
            access=access(self.work, foundation, plan.guest.facts, kickstart=plan.installs),
            reach=self.reach,
            work=self.work,
            console=self.logs.console,
        )
        made = plan.template_inputs(around)
        made.payload.write_bytes(plan.payload)
        self.reach.serve(self.work)
        return made

    def _environment(self) -> dict[str, str]:
        (self.work / TEMPORARY).mkdir()
        return {
            "PACKER_LOG": "1",
            "PACKER_LOG_PATH": str(self.logs.packer),
            "PACKER_CACHE_DIR": str(self.work / "cache"),
            "TMPDIR": TEMPORARY,
        }

    def _execute(self, words: list[str], *, environment: Mapping[str, str], follower: LogFollower) -> int:
        # A network namespace of its own, where that will do: the forwarded SSH port meets no other program's, and
        # nobody reaches the guest.
        contained = contain(words, network=self.reach.network)
        return stream(contained, follower, timeout=self.limit, cwd=self.work, env=environment)

    def _explained(self, failure: UserError, step: str) -> UserError:
        if isinstance(failure, TimedOut):
            limit = progress.duration(self.limit)
            return TimedOut(f"the bake was still at work after {limit}: {step}\n{self.logs.last_words()}")
        why = cause(self.logs.last_lines())
        return UserError(f"the bake failed: {step}: {why}\n{self.logs.last_words()}", hint=failure.hint)
