"""The cluster of a spec with problems, as far as it can be read, so that the checks between values can judge the rest.

Every value that the model refuses is UNREADABLE in it, and a check that asks for one ends there (`problem.decidable`).
So all problems are reported together, and none that only follows from another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from builder.spec.model import Cluster
from builder.spec.problem import UNREADABLE, Loc, UnreadableError
from builder.spec.values import model_of
from builder.spec.vrrp import Vrrp

Model = type[BaseModel]


def partial_cluster(data: object, refused: Iterable[Loc], context: Mapping[str, object]) -> Cluster:
    """The cluster with UNREADABLE at every refused place, and at each one whose required keys are missing.

    `context` is the one that pydantic validates values in. If the whole spec is refused, so is the cluster.
    """
    cluster: Cluster = _Reader(refused, context).mapping(Cluster, data, ())
    return cluster


class _Reader:
    """Reads the values of a spec except the refused ones."""

    def __init__(self, refused: Iterable[Loc], context: Mapping[str, object]) -> None:
        self._refused = set(refused)
        self._around = {loc[:length] for loc in self._refused for length in range(len(loc))}
        self._context = dict(context)

    def mapping(self, model: Model, data: object, loc: Loc) -> Any:  # noqa: ANN401 - a model, or UNREADABLE
        """The mapping at a place as a model."""
        if not isinstance(data, dict) or loc in self._refused:
            return UNREADABLE
        values = {name: self._key(model, name, data, loc) for name in model.model_fields}
        made = model.model_construct(_fields_set={name for name in values if name in data}, **values)
        return _gathered(made) if isinstance(made, Vrrp) else made

    def _key(self, model: Model, name: str, data: Mapping[str, object], loc: Loc) -> Any:  # noqa: ANN401
        field, place = model.model_fields[name], (*loc, name)
        if place in self._refused or (name not in data and field.is_required()):
            return UNREADABLE
        if name not in data:
            return field.get_default(call_default_factory=True)
        if place not in self._around:
            return self._value(_adapter(model, name), data[name])
        inner, value = model_of(field.annotation), data[name]
        if isinstance(value, dict) and not inner:
            return {key: self._entry(model, name, each, (*place, key)) for key, each in value.items()}
        if isinstance(value, list):
            return tuple(self._entry(model, name, each, (*place, index)) for index, each in enumerate(value))
        return self.mapping(inner, value, place) if inner else UNREADABLE

    def _entry(self, model: Model, name: str, data: object, loc: Loc) -> Any:  # noqa: ANN401
        if loc in self._refused:
            return UNREADABLE
        inner = model_of(model.model_fields[name].annotation)
        return self.mapping(inner, data, loc) if inner else self._value(_entry_adapter(model, name), data)

    def _value(self, adapter: TypeAdapter[Any], data: object) -> Any:  # noqa: ANN401
        try:
            return adapter.validate_python(data, context=self._context)
        except ValidationError:  # because of too many entries, or of an entry that is refused
            return UNREADABLE


@cache
def _adapter(model: Model, name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    annotation: Any = field.annotation
    return TypeAdapter(Annotated[(annotation, *field.metadata)] if field.metadata else annotation)


@cache
def _entry_adapter(model: Model, name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_entry_of(model.model_fields[name].annotation))


def _entry_of(annotation: Any) -> Any:  # noqa: ANN401 - annotations have no common type
    """The annotation of a list's entries, or of a mapping's values: Label in `tuple[Label, ...] | None`; else None."""
    if get_origin(annotation) in {tuple, dict}:
        return get_args(annotation)[0 if get_origin(annotation) is tuple else 1]
    return next((entry for part in get_args(annotation) if (entry := _entry_of(part))), None)


def _gathered(vrrp: Vrrp) -> Vrrp:
    with suppress(UnreadableError):
        return vrrp.gathered()
    return vrrp.model_copy(update={"vips": UNREADABLE})
