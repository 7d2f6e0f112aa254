"""The one adapter around python-packer, which is unmaintained (last release 2017).

python-packer puts the command lines together; everything else goes through `builder.run`. Mended here,
because each was seen to fail with Python 3.11 and Packer 1.6.6:

* it starts programs with sh 1.11, whose callbacks need `inspect.getargspec` (gone in Python 3.11):
  `CommandLine` stands in for `sh.Command`;
* `build()` passes `-parallel=true`, which Packer 1.5.6 and later refuse;
* a failed `validate()` loses Packer's own words.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import packer

from builder.errors import UserError
from builder.run import Completed, run

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

    def _run(self, words: list[str]) -> Verdict:
        return Verdict(run(words, timeout=VALIDATE_SECONDS, cwd=self._folder, env=self._environment, check=False))


def _variables() -> dict[str, str]:
    """Packer's variables in the environment; the vCenter's password has the name there that other commands know."""
    given = {name: value for name, value in os.environ.items() if name.startswith(VARIABLE)}
    password = os.environ.get("VIPFORGE_VSPHERE_PASSWORD")
    return {f"{VARIABLE}vsphere_password": password, **given} if password else given


class Verdict:
    """The result object that python-packer writes `succeeded` and `error` on."""

    def __init__(self, completed: Completed) -> None:
        self.exit_code = completed.code
        self.said = completed.out + completed.err
        self.succeeded = False
        self.error: str | None = None
