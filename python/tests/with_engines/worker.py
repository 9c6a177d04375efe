"""What a worker notes of itself, and how one of them dies."""

import json
import os
import signal
import time
from pathlib import Path

import widebeam
import widebeam._batches
import widebeam.ray

DECODING = 0.0


class Timed(widebeam.CtcDecoder):
    """A decoder that adds up the seconds of its searches."""

    def decode(self, *arguments, **more):
        global DECODING
        begun = time.perf_counter()
        try:
            return super().decode(*arguments, **more)
        finally:
            DECODING += time.perf_counter() - begun


# Adapters build their decoders here.
widebeam._batches.CtcDecoder = Timed


def memory():
    """Bytes of this process: its own, and those of shared memory, where Ray has its objects."""
    with open("/proc/self/status") as file:
        lines = dict(line.split(":", 1) for line in file)
    return {name: 1024 * int(lines[name].split()[0]) for name in ["RssAnon", "RssShmem"]}


def of_model(model, touched):
    """Bytes of a mapped model: those in this process, its share where others map it too, and
    those that are not the file's. All of it is read first, unless it is ``touched``."""
    found = {"Rss": 0, "Pss": 0, "Anonymous": 0}
    ours = False
    with open("/proc/self/smaps") as file:
        for line in file:
            name, _, value = line.partition(":")
            if "-" in name.split()[0]:
                ours = line.rstrip().endswith(model)
                if ours and not touched:
                    begin, end = (int(part, 16) for part in line.split()[0].split("-"))
                    touch(begin, end)
                    return of_model(model, True)
            elif ours and name in found:
                found[name] += 1024 * int(value.split()[0])
    return found


def touch(begin, end):
    with open("/proc/self/mem", "rb", buffering=0) as file:
        file.seek(begin)
        while begin < end:
            begin += len(file.read(min(1 << 20, end - begin)))


class Noted:
    """Decodes with ``function`` over a ``model``, and writes a line for each batch to a file of its process. In the
    batch that has the utterance ``fatal`` the first worker that comes there kills itself."""

    def __init__(self, folder, model, fatal=None):
        self.folder, self.model, self.fatal = str(folder), model, fatal

    def __call__(self, function, table):
        if self.fatal is not None and self.fatal in table["id"].to_pylist():
            try:
                os.close(os.open(f"{self.folder}/died", os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        before, begun = DECODING, time.time()
        found = function(table)
        ended = time.time()
        place = f"{self.folder}/{os.getpid()}.jsonl"
        line = {
            "rows": len(table), "begun": begun, "ended": ended, "decoding": DECODING - before,
            "threads": widebeam.get_num_threads(), "model": of_model(self.model, os.path.exists(place)),
            **memory(),
        }  # fmt: skip
        with open(place, "a") as file:
            file.write(json.dumps(line) + "\n")
        return found


class Worker(widebeam.ray.Ctc):
    """A worker of Ray that takes notes."""

    def __init__(self, noted, **settings):
        super().__init__(**settings)
        self.noted = noted

    def __call__(self, table):
        return self.noted(super().__call__, table)


def report(noted, name, begun, alone):
    """Says where time went since ``begun``, and checks what holds for every worker."""
    ended = time.time()
    folder, model = Path(noted.folder), os.path.getsize(noted.model)
    workers = [
        [json.loads(line) for line in path.read_text().splitlines()] for path in folder.glob("*.jsonl")
    ]
    lines = [line for worker in workers for line in worker]
    rows = sum(line["rows"] for line in lines)
    first = min(line["begun"] for line in lines)
    span = max(line["ended"] for line in lines) - first
    decoding = sum(line["decoding"] for line in lines)
    python = sum(line["ended"] - line["begun"] for line in lines) - decoding
    print(
        f"\n{name}: {ended - begun:.2f} s (one process: {alone:.2f}); the first batch came after "
        f"{first - begun:.2f} s, the last one {span:.2f} s later, {rows / span:.0f} rows a second; of two "
        f"workers' {2 * span:.2f} s {decoding:.2f} decoding, {python:.2f} columns in and out, and "
        f"{2 * span - decoding - python:.2f} the engine and waiting; {len(workers)} processes"
    )
    for worker in workers:
        own, shared = ([line[name] / 2**20 for line in worker] for name in ["RssAnon", "RssShmem"])
        mapped = worker[-1]["model"]
        print(
            f"  {len(worker)} batches; own memory {own[0]:.1f} MB, at most {max(own[:5]):.1f} in the first "
            f"five, {own[-1]:.1f} at the end; of shared memory {shared[0]:.1f} to {shared[-1]:.1f}; of "
            f"the model {mapped['Rss'] / 2**20:.1f}, counted for this worker {mapped['Pss'] / 2**20:.1f}"
        )
        assert all(line["threads"] == 1 for line in worker)
        assert all(line["model"]["Rss"] >= model and line["model"]["Anonymous"] == 0 for line in worker)
        # After the first batches, own memory is that of the largest batch.
        if len(worker) > 6:
            assert own[-1] < max(own[:5]) * 1.05 + 2, own
    # The pages of the model are the same: two who have them all count for half of them each.
    alive = [min(line["model"]["Pss"] for line in worker) for worker in workers if len(worker) > 6]
    assert len(alive) < 2 or min(alive) < 0.6 * model, alive
