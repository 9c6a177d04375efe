"""What the peers need: an environment for each list of pinned Python packages, and
the Rust programs. What does not install is noted and leaves the rest standing."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LISTS = HERE / "requirements"
RUST = HERE / "rust"


class Python:
    """An environment with the packages of requirements/NAME.txt."""

    def __init__(self, folder, name):
        self.folder = folder / name
        self.python = self.folder / "bin" / "python"
        self.list = LISTS / f"{name}.txt"
        self.versions = pinned(self.list)
        # Of each package that did not install, why.
        self.failed = {}

    def make(self):
        # What was installed before, so that nothing is asked of the network again.
        done = self.folder / "installed.txt"
        if done.exists() and done.read_text() == self.list.read_text():
            return
        say(f"installing {self.list.relative_to(ROOT)} into {self.folder}")
        if not self.python.exists():
            subprocess.run([sys.executable, "-m", "venv", self.folder], check=True)
        if self.install("-r", self.list) is None:
            done.write_text(self.list.read_text())
            return
        # One by one.
        for name, version in self.versions.items():
            reason = self.install(f"{name}=={version}")
            if reason is not None:
                self.failed[name] = f"did not install: {reason}"

    def install(self, *what):
        """None, or why it failed."""
        command = [self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
        done = subprocess.run(command, capture_output=True, text=True)
        return last_error(done.stderr) if done.returncode else None


class Rust:
    """The programs of rust/, built one by one."""

    def __init__(self, folder):
        self.folder = folder / "rust"
        lock = tomllib.loads((RUST / "Cargo.lock").read_text())
        self.versions = {package["name"]: package["version"] for package in lock["package"]}
        self.failed = {}

    def make(self, names):
        for name in names:
            say(f"building {name}")
            command = ["cargo", "build", "--quiet", "--release", "--locked", "--bin", name]
            command += ["--target-dir", self.folder]
            if name != "widebeam":
                command += ["--features", name]
            done = subprocess.run(command, cwd=RUST, capture_output=True, text=True)
            if done.returncode:
                self.failed[name] = f"did not build: {last_error(done.stderr)}"

    def program(self, name):
        return self.folder / "release" / name


def pinned(path):
    lines = [line.split("#")[0].strip() for line in path.read_text().splitlines()]
    return dict(line.split("==") for line in lines if line)


def last_error(text):
    """What pip or cargo says last of what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines or ["it says nothing"])[-1]


def say(what):
    print(what, file=sys.stderr, flush=True)


def processors():
    return len(os.sched_getaffinity(0))
