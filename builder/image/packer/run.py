"""One run of Packer through python-packer: it is validated, followed, limited in time, and always ended."""

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
from builder.core.errors import InvalidOption, TimedOut, UserError, cause
from builder.core.run import Completed, contain, run, stream
from builder.host.packer import PackerFacts
from builder.host.qemu import accelerator
from builder.image.packer.builders import Builder, TemplateInputs, make_access
from builder.image.packer.output import BakeLogs, LogFollower
from builder.image.packer.template import GuestNetwork, template, template_json
from builder.image.plan import BakeContext, BakePlan, PreparedBake

VALIDATE_SECONDS = 60
VARIABLE = "PKR_VAR_"
"""The prefix of the environment variables that set Packer's variables."""
BAKE_SECONDS = 45 * 60
INSTALL_SECONDS = 3 * 60 * 60
"""For a guest that installs packages, or itself, during the bake."""
TEMPORARY = "tmp"
"""The folder for the sockets of Packer's plugins, relative to the folder in which Packer runs: the path of a socket is
limited to 107 characters (unix(7)), and a checkout may be deeply nested."""
UNSET = re.compile(r'Unset variable "(\w+)"')

Execute = Callable[[list[str]], object]


class CommandLine:
    """A command line that python-packer extends word by word, in place of an `sh.Command`."""

    def __init__(self, words: list[str], execute: Execute) -> None:
        self._words = words
        self._execute = execute

    def __getattr__(self, subcommand: str) -> Self:
        return self.bake(subcommand)

    def bake(self, *words: str) -> Self:
        """The command line with more words; the name is that of `sh`."""
        return type(self)([*self._words, *words], self._execute)

    def __call__(self) -> object:
        """Execute the command line."""
        return self._execute(self._words)


class Packer(packer.Packer):  # type: ignore[misc] # python-packer has no types
    """Packer with one template, in whose folder it runs: `validate()` and `build()`."""

    def __init__(
        self, template: Path, *, program: Path, environment: Mapping[str, str], var_file: Path | None = None
    ) -> None:
        var_file_path = str(var_file.absolute()) if var_file else None
        super().__init__(str(template), exec_path=str(program), var_file=var_file_path)
        self._folder = template.absolute().parent
        self._program = str(program)
        self._environment = {
            "CHECKPOINT_DISABLE": "1",
            "PACKER_NO_COLOR": "1",
            **_variables(),
            **environment,
        }

    def validate(self, syntax_only: bool = False) -> None:
        """Let Packer check the template; raises UserError with Packer's message."""
        self.packer = CommandLine([self._program], self._run)
        verdict = super().validate(syntax_only)
        output = getattr(verdict, "output", verdict.error)  # python-packer's own object if Packer could not be run
        missing = sorted(set(UNSET.findall(output)))
        if missing:
            raise InvalidOption(
                f"this builder needs {', '.join(missing)}",
                hint=f"set them in a Packer var file (--var-file), or in the environment as {VARIABLE}{missing[0]} …",
            )
        if not verdict.succeeded:
            raise UserError(f"Packer rejects the template {self.packerfile}:\n{output}")

    def build(self, execute: Execute) -> None:
        """Let `execute` run the command line of the build, which requests machine-readable output."""
        self.packer = CommandLine([self._program], execute)
        super().build(parallel=False, machine_readable=True)

    @property
    def environment(self) -> Mapping[str, str]:
        """The environment variables for Packer."""
        return self._environment

    def _run(self, words: list[str]) -> TemplateVerdict:
        return TemplateVerdict(
            run(words, timeout=VALIDATE_SECONDS, cwd=self._folder, env=self._environment, check=False)
        )


def _variables() -> dict[str, str]:
    """Packer's variables in the environment; the vCenter's password may be in VIPFORGE_VSPHERE_PASSWORD."""
    variables = {name: value for name, value in os.environ.items() if name.startswith(VARIABLE)}
    password = os.environ.get("VIPFORGE_VSPHERE_PASSWORD")
    return {f"{VARIABLE}vsphere_password": password, **variables} if password else variables


class TemplateVerdict:
    """The result of a validation; python-packer sets `succeeded` and `error` on it."""

    def __init__(self, completed: Completed) -> None:
        self.exit_code = completed.code
        self.output = completed.out + completed.err
        self.succeeded = False
        self.error: str | None = None


@dataclass(frozen=True)
class PackerRun:
    """One run of Packer. `work` is removed afterwards; `var_file` sets Packer's variables."""

    packer: PackerFacts
    bake: PreparedBake
    network: GuestNetwork
    work: Path
    logs: BakeLogs
    var_file: Path | None = None

    @property
    def limit(self) -> int:
        """The time limit of the whole run, in seconds."""
        return INSTALL_SECONDS if self._plan.guest.facts.repositories else BAKE_SECONDS

    def run(self) -> TemplateInputs:
        """Let Packer check the template and bake; raises UserError with the last lines of the logs."""
        program, inputs = self.packer, self._inputs()
        template_file = self.work / "appliance.pkr.json"
        files.write_atomic(template_file, template_json(template(inputs, program.version, self._builder)))
        driver = Packer(template_file, program=program.path, environment=self._environment(), var_file=self.var_file)
        driver.validate()
        where = f" ({inputs.accelerator})" if self._builder.local else " in the vCenter"
        with progress.step(f"baking the appliance with Packer {program.text}{where}"):
            follower = LogFollower(self.logs.provision)
            try:
                driver.build(partial(self._execute, environment=driver.environment, follower=follower))
            except UserError as failure:
                raise self._explained(failure, follower.step) from failure
            finally:
                follower.phases.end()
        return inputs

    @property
    def _plan(self) -> BakePlan:
        return self.bake.plan

    @property
    def _builder(self) -> Builder:
        return self._plan.builder

    def _inputs(self) -> TemplateInputs:
        plan, foundation = self._plan, self.bake.foundation
        context = BakeContext(
            foundation=foundation,
            foundation_sha256=self.bake.foundation_sha256,
            accelerator=accelerator(foundation.kernel) if plan.builder.local else "",
            access=make_access(self.work, foundation, plan.guest.facts, kickstart=plan.installs),
            network=self.network,
            work=self.work,
            console=self.logs.console,
        )
        inputs = plan.template_inputs(context)
        inputs.payload.write_bytes(plan.payload)
        self.network.serve(self.work)
        return inputs

    def _environment(self) -> dict[str, str]:
        (self.work / TEMPORARY).mkdir()
        return {
            "PACKER_LOG": "1",
            "PACKER_LOG_PATH": str(self.logs.packer),
            "PACKER_CACHE_DIR": str(self.work / "cache"),
            "TMPDIR": TEMPORARY,
        }

    def _execute(self, words: list[str], *, environment: Mapping[str, str], follower: LogFollower) -> int:
        # Without a network, Packer and the guest run in a network namespace of their own: the forwarded SSH port
        # cannot collide with another program's, and nobody can reach the guest.
        contained = contain(words, network=self.network.is_online)
        return stream(contained, follower, timeout=self.limit, cwd=self.work, env=environment)

    def _explained(self, failure: UserError, step: str) -> UserError:
        if isinstance(failure, TimedOut):
            limit = progress.duration(self.limit)
            return TimedOut(f"the bake did not finish within {limit}: {step}\n{self.logs.excerpts()}")
        reason = cause(self.logs.last_lines())
        return UserError(f"the bake failed: {step}: {reason}\n{self.logs.excerpts()}", hint=failure.hint)
