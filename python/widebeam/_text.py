"""The settings of text and scorers, which the decoders share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Union

from ._widebeam import NgramModel

Path = Union[str, os.PathLike[str]]


def listed(values: Path | Iterable[str] | None) -> str | list[str] | None:
    """The path of a file that is there, or a list."""
    if values is None:
        return None
    if isinstance(values, (str, os.PathLike)):
        os.stat(values)
        return os.fspath(values)
    return list(values)


def phrases(
    values: Path | Iterable[str] | Mapping[str, float] | None,
) -> str | list[tuple[str, float | None]] | None:
    """The path of a file that is there, or phrases with what they add."""
    if isinstance(values, Mapping):
        return list(values.items())
    given = listed(values)
    return [(phrase, None) for phrase in given] if isinstance(given, list) else given


def read_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with lists for iterables, and a model for the path of one."""
    model = settings["lm"]
    if isinstance(model, (str, os.PathLike)):
        model = NgramModel(model)
    return {
        **settings,
        "lm": model,
        "labels": listed(settings["labels"]),
        "lexicon": listed(settings["lexicon"]),
        "hotwords": phrases(settings["hotwords"]),
    }
