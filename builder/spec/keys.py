"""The keys that the spec's mappings have, read from the model: what is known where, and what was perhaps meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from builder.spec.faults import ONE_OF, Loc
from builder.spec.model import Cluster


def known(loc: Loc) -> Mapping[str, FieldInfo]:
    """The keys of the mapping at that place, or of the entries of the list there; empty where it is neither."""
    fields: Mapping[str, FieldInfo] = Cluster.model_fields
    for part in loc:
        if isinstance(part, str):
            fields = fields_of(_model(fields[part].annotation))
    return fields


def nearest(word: str, candidates: Iterable[str]) -> str:
    """A question whether the most similar candidate was meant; empty where none is similar."""
    near = get_close_matches(word.lower(), candidates, n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else ""


def home(key: str) -> str:
    """The mapping that a key of this name belongs in; empty where there is none or more than one."""
    homes = [name for name in Cluster.model_fields if name not in ONE_OF and key in known((name,))]
    return homes[0] if len(homes) == 1 else ""


def how_to_give(loc: Loc) -> str:
    """How to write a key that is missing, with the example of its description."""
    key, field = loc[-1], known(loc[:-1])[str(loc[-1])]
    required = [name for name, part in known(loc).items() if part.is_required()]
    if required:
        return f"add {key}: with {', '.join(required)}"
    return f"add a line such as {key}: {_flow(field.examples[0])}" if field.examples else f"add {key}:"


def _flow(example: object) -> str:
    """An example as one line of YAML."""
    return f"[{', '.join(example)}]" if isinstance(example, list) else str(example)


def fields_of(model: type[BaseModel] | None) -> Mapping[str, FieldInfo]:
    """The fields of a model; none where there is no model."""
    return model.model_fields if model else {}


def _model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - annotations are of any kind
    """The model inside an annotation: Node in `Annotated[tuple[Node, ...], …]`, Alerts in `Alerts | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model(part))), None)
