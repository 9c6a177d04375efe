"""Programs timed turn by turn: each waits in a process of its own, with the scores
in its memory, and is asked for one turn in each round. What disturbs the machine
disturbs all of them."""

import json
import os
import resource
import select
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

# Seconds between turns, in which the threads of the one before fall asleep.
PAUSE = 0.02


@dataclass
class Measured:
    """One program of one peer on one case."""

    peer: str
    name: str
    version: str
    differs: str = ""
    exact: bool = False
    answers: list = field(default_factory=list)
    times: list = field(default_factory=list)
    # Why it was not timed, if so.
    missing: str | None = None

    @property
    def seconds(self):
        return statistics.median(self.times)

    @property
    def spread(self):
        """The width of the middle half of the times, over the median."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return (high - low) / self.seconds


class Worker:
    """A process that times the programs of a peer, or the reason that there is none."""

    def __init__(self, peer, version, command, limit, failed=None):
        self.limit = limit
        self.process = None
        if failed:
            self.programs = [Measured(peer, peer, version, missing=failed)]
            return
        self.errors = tempfile.TemporaryFile("w+")
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self.errors, text=True, bufsize=1, preexec_fn=bound_memory)
        try:
            said = json.loads(self.line())
        except Stopped as stopped:
            self.close()
            self.programs = [Measured(peer, peer, version, missing=str(stopped))]
            return
        self.programs = [
            Measured(
                peer,
                program["name"],
                program.get("version") or version,
                program["differs"],
                program["exact"],
                program["answers"],
                # The first run, which warms up, counts where there is no other.
                [program["seconds"]],
                program["skipped"],
            )
            for program in said
        ]

    def turn(self, number):
        print(number, file=self.process.stdin, flush=True)
        return float(self.line())

    def line(self):
        ready, _, _ = select.select([self.process.stdout], [], [], self.limit)
        if not ready:
            raise Stopped(f"it took over {self.limit} s")
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            ended = f"ended by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
            raise Stopped(said[-1] if said else ended)
        return line

    def close(self):
        if self.process:
            self.process.kill()
            self.process.communicate()
            self.errors.close()
            self.process = None


def bound_memory():
    """A peer that wants more than half of the memory fails, and harms nobody."""
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    resource.setrlimit(resource.RLIMIT_DATA, (half, half))


class Stopped(Exception):
    """A worker that says nothing more, and why."""


def in_turn(workers, rounds, slow):
    """Times all programs of all workers. One whose first run took over `slow`
    seconds is not run again."""
    turns = [
        (worker, number, program)
        for worker in workers
        for number, program in enumerate(worker.programs)
        if not program.missing and program.times[0] <= slow
    ]
    for _, _, program in turns:
        program.times = []
    for _ in range(rounds):
        for worker, number, program in turns:
            if program.missing:
                continue
            time.sleep(PAUSE)
            try:
                program.times.append(worker.turn(number))
            except (Stopped, OSError) as stopped:
                program.missing = str(stopped)
