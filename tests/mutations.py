"""Specs mutated at random, but always the same for the same seed: keys, types, hostile text, duplicates, long lists.

What a key may hold comes from the spec's JSON Schema, so that new keys are covered as soon as they exist.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import yaml

from builder.spec.model import Cluster
from tests import examples
from tests.certificates import issue, write_pair
from tests.options import every_option

SCHEMA = Cluster.model_json_schema()
HOSTILE = (
    *(
        "",
        " ",
        "a b",
        "%[src]",
        "$HOME",
        "${PATH}",
        "back\\slash",
        '"',
        "'",
        "#",
        "!",
        "\u00e9\u65e5",
        "\U0001f4a9",
        "{}",
    ),
    *("null", "no", "010", "1e3", "0x10", "~", "=", "<<", "2026-11-27", "1:20", "-", "..", "../etc", "/", "/%", "/#"),
    *(
        "x" * 40,
        "x" * 41,
        "x" * 300,
        "a." * 120 + "a",
        "end",
        "}",
        "@PEERS@",
        "a;b",
        "a|b",
        "`id`",
        "--",
        "\t",
        "\u202e",
    ),
    *("localhost", "default", "haproxy", "GLOBAL", "statistics", "web.frontend", "0.0.0.0", "127.0.0.1", "::1"),
)
NUMBERS = (-1, 0, 1, 2, 7, 20, 21, 64, 65, 100, 255, 256, 1000, 65535, 65536, 100_000, 2**31, 2**63)
LONG = (2, 7, 21, 33, 65)
"""Lengths of long lists: HAProxy reads 64 words per line, and an advertisement has 20 VIPs."""
HOSTS = ("example.com", "*.example.com")
FILES = {"chain": "mail.pem", "key": "mail.key", "authority": "authority.pem", "password": "password"}
"""The files in the specs' folder, by the keys that name them."""

Container = dict[str, Any] | list[Any]


@dataclass(frozen=True)
class Place:
    """One entry of a mapping or a list, and what the schema says about the container."""

    container: Container
    key: Any
    schema: dict[str, Any]


class Plain(yaml.SafeDumper):
    """Writes no aliases, which a spec does not allow."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


@dataclass
class Mutator:
    """Mutates specs, `bases`, at random; the spec with the same number is the same on every run with the same seed."""

    bases: Sequence[Any]
    seed: int = 1
    rng: Random = field(default_factory=Random)
    subnet: str = ""

    def spec(self, number: int) -> str:
        """The text of the spec with this number."""
        self.rng = Random(f"{self.seed}/{number}")
        data = copy.deepcopy(self.rng.choice(self.bases))
        self.subnet = data["nodes"][0]["address"].rpartition(".")[0]
        for _ in range(self.rng.choice((1, 1, 2, 3, 6))):
            self._mutate(data)
        return yaml.dump(data, Dumper=Plain, allow_unicode=True, sort_keys=False, width=1000)

    def _mutate(self, data: Any) -> None:
        by_kind: dict[str, list[Place]] = {}
        for each in places(data, SCHEMA):
            by_kind.setdefault(each.schema.get("title", ""), []).append(each)
        if not by_kind:
            return
        place = self.rng.choice(by_kind[self.rng.choice(sorted(by_kind))])
        kinds: list[Callable[[Place], None]] = [self._delete, self._replace, self._repeat, self._rename]
        kinds += 6 * [self._add] + 2 * [self._regenerate]
        self.rng.choice(kinds)(place)

    def _delete(self, place: Place) -> None:
        del place.container[place.key]

    def _replace(self, place: Place) -> None:
        """Put a hostile value, of any type, in the place."""
        values = (
            self.rng.choice(HOSTILE),
            self.rng.choice(NUMBERS),
            None,
            True,
            [],
            {},
            0.5,
            [place.container[place.key]],
        )
        place.container[place.key] = copy.deepcopy(self.rng.choice(values))

    def _regenerate(self, place: Place) -> None:
        """Put a value that the schema allows, or nearly allows, in the place."""
        inner = (
            place.schema.get("items", {})
            if isinstance(place.container, list)
            else properties(place).get(place.key, {})
        )
        place.container[place.key] = self._value(inner, str(place.key))

    def _add(self, place: Place) -> None:
        """Add a key of the schema to the mapping, or an entry to the list."""
        if isinstance(place.container, list):
            place.container.append(self._value(place.schema.get("items", {}), ""))
        elif keys := sorted(properties(place)):
            key = self.rng.choice(keys)
            place.container[key] = self._value(properties(place)[key], key)

    def _repeat(self, place: Place) -> None:
        """Repeat the entry of a list, as it is or with names, ports and addresses of its own."""
        if isinstance(place.container, list):
            entry, own = place.container[place.key], self.rng.random() < 0.8
            copies = [copy.deepcopy(entry) for _ in range(self.rng.choice(LONG) - 1)]
            place.container.extend(distinct(each, number) if own else each for number, each in enumerate(copies, 1))

    def _rename(self, place: Place) -> None:
        if isinstance(place.container, dict):
            place.container[self.rng.choice((f"{place.key}s", "x", "name", ""))] = place.container.pop(place.key)

    def _value(self, schema: dict[str, Any], key: str) -> Any:  # noqa: PLR0911 - one return per type
        """A value for a key by its schema; now and then one just outside of it."""
        schema = resolved(schema)
        if "anyOf" in schema:
            return self._value(self.rng.choice(schema["anyOf"]), key)
        if "enum" in schema or "const" in schema:
            return self.rng.choice(schema.get("enum", [schema.get("const")]))
        match schema.get("type"):
            case "object":
                return self._mapping(schema)
            case "array":
                length = self.rng.choice((1, 1, 1, 2, 3, schema.get("maxItems", 3), 0))
                return [self._value(schema.get("items", {}), key) for _ in range(length)]
            case "integer" | "number":
                low, high = schema.get("minimum", 1), schema.get("maximum", 1000)
                return self.rng.choice((low, high, low - 1, high + 1, self.rng.randint(int(low), int(high)), 30, 100))
            case "boolean":
                return self.rng.random() < 0.5
            case "null":
                return None
        return self._text(schema, key)

    def _text(self, schema: dict[str, Any], key: str) -> str:
        if key in FILES:
            return FILES[key]
        if self.rng.random() < 0.15:
            return self.rng.choice(HOSTILE)
        if schema.get("format") == "ipv4":
            return f"{self.subnet}.{self.rng.randint(1, 254)}"
        example = str(self.rng.choice(schema.get("examples", ["x"])))
        is_name = example in ("web1", "example.com") and self.rng.random() < 0.8
        return f"{self.rng.choice('abcdefgh')}{self.rng.randint(1, 99)}{example[1:]}" if is_name else example

    def _mapping(self, schema: dict[str, Any]) -> dict[str, Any]:
        required = schema.get("required", [])
        own = schema.get("properties", {})
        return {key: self._value(own[key], key) for key in own if key in required or self.rng.random() < 0.3}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema that a reference names, with what stands beside the reference."""
    if "$ref" not in schema:
        return schema
    return {**SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}


def properties(place: Place) -> dict[str, Any]:
    """What the schema says about the keys of the mapping."""
    found: dict[str, Any] = place.schema.get("properties", {})
    return found


def places(data: Any, schema: dict[str, Any]) -> Iterator[Place]:
    """Every entry of every mapping and list in the data."""
    schema = resolved(schema)
    if "anyOf" in schema:
        wanted = "array" if isinstance(data, list) else "object"
        schema = next((each for each in map(resolved, schema["anyOf"]) if each.get("type") == wanted), {})
    if isinstance(data, dict):
        for key, value in data.items():
            yield Place(data, key, schema)
            yield from places(value, schema.get("properties", {}).get(key, {}))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield Place(data, index, schema)
            yield from places(value, schema.get("items", {}))


def distinct(entry: Any, number: int) -> Any:
    """A copy of a list's entry that differs from it where entries must differ."""
    if isinstance(entry, str):
        head, dot, tail = entry.rpartition(".")
        return f"{head}{dot}{int(tail) + number}" if tail.isdigit() else f"{entry}{number}"
    if isinstance(entry, dict):
        changed = {
            key: distinct(entry[key], number) for key in ("name", "address", "virtual_router_id") if key in entry
        }
        return {**entry, **changed} | ({"port": entry["port"] + number} if isinstance(entry.get("port"), int) else {})
    return entry + number if type(entry) is int else entry


def base_specs(folder: Path) -> list[Any]:
    """The examples and a spec with every option, whose files are in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = issue("Test authority")
    write_pair(folder, "mail", issue("test", HOSTS, authority), authority)
    (folder / FILES["authority"]).write_bytes(authority.pem())
    (folder / FILES["password"]).write_text(examples.PASSWORD + "\n")
    specs = [yaml.safe_load((examples.FOLDER / f"{name}.yml").read_text()) for name in examples.names()]
    whole = every_option(folder).model_dump(mode="json", exclude_defaults=True)
    one_each = [{**whole, "services": [service]} for service in whole["services"]]
    for spec in (*specs, whole, *one_each):
        name_files(spec)
    return [*specs, *specs, *specs, whole, *one_each]


def name_files(data: Any) -> None:
    """Let every key that names a file name one of FILES."""
    if isinstance(data, dict):
        data.update({key: name for key, name in FILES.items() if isinstance(data.get(key), str)})
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        name_files(value)
