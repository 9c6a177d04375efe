"""What a worker notes of itself, and how one of them dies."""

import json
import os
import signal
import time

import widebeam
import widebeam.ray


class Noted:
    """Decodes with ``function``, and writes a line for each batch to a file of its process. In the
    batch that has the utterance ``fatal`` the first worker that comes there kills itself."""

    def __init__(self, folder, fatal=None):
        self.folder, self.fatal = str(folder), fatal

    def __call__(self, function, table):
        if self.fatal is not None and self.fatal in table["id"].to_pylist():
            try:
                os.close(os.open(f"{self.folder}/died", os.O_CREAT | os.O_EXCL))
                os.kill(os.getpid(), signal.SIGKILL)
            except FileExistsError:
                pass
        begun = time.perf_counter()
        found = function(table)
        seconds = time.perf_counter() - begun
        with open("/proc/self/statm") as file:
            resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        with open("/proc/self/maps") as file:
            mapped = sum(".probing.bin" in line for line in file)
        line = {
            "rows": table.num_rows, "seconds": seconds, "resident": resident, "mapped": mapped,
            "threads": widebeam.get_num_threads(),
        }  # fmt: skip
        with open(f"{self.folder}/{os.getpid()}.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")
        return found


class Worker(widebeam.ray.Ctc):
    """A worker of Ray that takes notes."""

    def __init__(self, noted, **settings):
        super().__init__(**settings)
        self.noted = noted

    def __call__(self, table):
        return self.noted(super().__call__, table)


def report(folder, name, wall, alone):
    """Says where time went, and checks what holds for every worker."""
    workers = {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()]
        for path in folder.glob("*.jsonl")
    }
    busy = sum(line["seconds"] for lines in workers.values() for line in lines)
    rows = sum(line["rows"] for lines in workers.values() for line in lines)
    grown = []
    for lines in workers.values():
        assert all(line["threads"] == 1 and line["mapped"] >= 1 for line in lines)
        if len(lines) > 6:
            # After the first batches, memory is that of the largest batch.
            grown.append(lines[-1]["resident"] / max(line["resident"] for line in lines[:5]))
    print(
        f"\n{name}: {wall:.2f} s in all (one process: {alone:.2f}), {busy:.2f} s of its workers' time "
        f"in the adapter; {len(workers)} processes, {rows} rows; memory at the end over that after "
        f"five batches: {[round(ratio, 3) for ratio in grown]}"
    )
    assert all(ratio < 1.25 for ratio in grown), grown
    return workers
