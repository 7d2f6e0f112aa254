"""How the image was made: an in-toto statement with SLSA's provenance predicate, version 1."""

from __future__ import annotations

import json
from typing import Any

NAME = "provenance.intoto.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:vipforge:bake:1"


def provenance(manifest: dict[str, Any]) -> str:
    """The statement as JSON; it is unsigned, SHA256SUMS and its signature cover it."""
    statement = {
        "_type": STATEMENT,
        "subject": [{"name": manifest["image"], "digest": {"sha256": manifest["sha256"]}}],
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": _definition(manifest), "runDetails": _run(manifest)},
    }
    return json.dumps(statement, indent=2, sort_keys=True) + "\n"


def _definition(manifest: dict[str, Any]) -> dict[str, Any]:
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {"cluster": manifest["cluster"], "specSha256": manifest["inputs"].get("spec_sha256")},
        "internalParameters": {"guest": manifest["guest"], "versions": manifest["versions"]},
        "resolvedDependencies": _dependencies(manifest["inputs"]),
    }


def _dependencies(inputs: dict[str, Any]) -> list[dict[str, Any]]:
    """What went in, each with its digest: the foundation, the cluster's files, the steps, the sources."""
    scripts = [(f"provision/{name}", digest) for name, digest in sorted(inputs["provision_sha256"].items())]
    made = [("foundation", inputs["foundation"]["sha256"]), ("payload", inputs["payload_sha256"]), *scripts]
    sources = [
        {"name": each["file"], "digest": {each["algorithm"]: each["digest"]}}
        for _, each in sorted(inputs.get("sources", {}).items())
    ]
    return [*({"name": name, "digest": {"sha256": digest}} for name, digest in made), *sources]


def _run(manifest: dict[str, Any]) -> dict[str, Any]:
    version = manifest["versions"]["vipforge"]
    return {
        "builder": {"id": "urn:vipforge:builder", "version": {"vipforge": version, **manifest.get("tools", {})}},
        "metadata": {"invocationId": manifest["key"], "finishedOn": manifest["made"]},
    }
