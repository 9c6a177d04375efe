"""Runs pyctcdecode's own tests, of the checkout that is given, against the stand-in:

    python pyctcdecode_suite.py CHECKOUT [pytest's arguments]

Tests of what the stand-in has not got fail where they use it, and the summary names it.
"""

import ast
import sys
import types
from pathlib import Path

import pytest

from widebeam.compat import pyctcdecode as ours


class Missing:
    """A name of the original that the stand-in has not got."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *_, **__):
        pytest.fail(f"not in the stand-in: {self.name}", pytrace=False)

    def __getattr__(self, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.name}.{name}")


def module(name: str, source: Path) -> types.ModuleType:
    """A module of the original: its names, with what the stand-in has."""
    made = types.ModuleType(name)
    tree = ast.parse(source.read_text())
    defined = [part.name for part in tree.body if isinstance(part, (ast.ClassDef, ast.FunctionDef))]
    for assigned in tree.body:
        if isinstance(assigned, ast.Assign):
            defined += [target.id for target in assigned.targets if isinstance(target, ast.Name)]
    for each in {*defined, *ours.__all__}:
        setattr(made, each, getattr(ours, each, None) or Missing(each))
    return made


def main() -> int:
    checkout, *arguments = sys.argv[1:]
    sources = Path(checkout) / "pyctcdecode"
    tests = sources / "tests"
    sys.modules["pyctcdecode"] = module("pyctcdecode", sources / "__init__.py")
    for name in ["alphabet", "constants", "decoder", "language_model"]:
        sys.modules[f"pyctcdecode.{name}"] = module(f"pyctcdecode.{name}", sources / f"{name}.py")
    package = types.ModuleType("pyctcdecode.tests")
    package.__path__ = [str(tests)]
    sys.modules["pyctcdecode"].__path__ = []
    sys.modules["pyctcdecode.tests"] = package
    files = [f"pyctcdecode.tests.test_{name}" for name in ("alphabet", "decoder", "language_model")]
    options = ["--quiet", "-p", "no:cacheprovider", "-c", "/dev/null", "--rootdir", str(tests)]
    return int(pytest.main([*options, "--tb=line", "-rf", "--pyargs", *files, *arguments]))


if __name__ == "__main__":
    sys.exit(main())
