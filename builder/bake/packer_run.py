"""One run of Packer: its template, its environment, its limits, and what it says when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builder import files, progress
from builder.bake.access import access
from builder.bake.builders.base import Builder
from builder.bake.logs import BakeLogs, Follower
from builder.bake.packer import Packer
from builder.bake.plan import BakePlan, PreparedBake, Surroundings
from builder.bake.reach import Reach
from builder.bake.template import TemplateInputs, template, text
from builder.errors import TimedOut, UserError
from builder.failure import cause
from builder.host import PackerFacts, accelerator
from builder.run import contain, stream

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
        files.write_atomic(described, text(template(made, program.version, self._builder)))
        driver = Packer(described, program=program.path, environment=self._environment(), var_file=self.var_file)
        driver.validate()
        where = f" ({made.accelerator})" if self._builder.local else " in the vCenter"
        with progress.step(f"baking the appliance with Packer {program.text}{where}"):
            follower = Follower(self.logs.provision)
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

    def _execute(self, words: list[str], *, environment: Mapping[str, str], follower: Follower) -> int:
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
