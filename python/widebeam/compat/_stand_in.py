"""Modules that stand in for packages that are not installed."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _StandIns(MetaPathFinder, Loader):
    """Finds modules that nothing before it has found."""

    def __init__(self) -> None:
        self.contents: dict[str, Mapping[str, Any]] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module, as a package, if it is one of those."""
        if fullname not in self.contents:
            return None
        return ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        """Fills a new module."""
        vars(module).update(self.contents[module.__name__])


_stand_ins = _StandIns()


def stand_in(contents: Mapping[str, Mapping[str, Any]]) -> None:
    """Makes modules of these names be found where they are not installed."""
    _stand_ins.contents.update(contents)
    if _stand_ins not in sys.meta_path:
        sys.meta_path.append(_stand_ins)
