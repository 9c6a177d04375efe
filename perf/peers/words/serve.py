"""The loop of a worker: a line of settings in JSON comes in, a line goes out with the texts
of all items, the seconds that each took, and the same by the clock of the thread, which other
programs do not disturb as much. `perf/peers/rust/src/bin/words.rs` does the same.
"""

import json
import statistics
import sys
import time

import numpy as np


def load(folder):
    """The frames in use of each item, and the labels."""
    arrays = np.load(f"{folder}/emission.npz")
    items = zip(arrays["log_probs"], arrays["lengths"])
    labels = open(f"{folder}/labels.txt", encoding="utf-8").read().splitlines()
    return [np.ascontiguousarray(frames[:length]) for frames, length in items], labels


def serve(items, decoder):
    """`decoder(settings)` returns a function that decodes one item and one that reads the text
    of what that returned. Only the first is timed."""
    print(json.dumps({"ready": len(items)}), flush=True)
    for line in sys.stdin:
        settings = json.loads(line)
        decode, text = decoder(settings)
        texts, seconds, cpu = [], [], []
        for item in items:
            times, busy = [], []
            for _ in range(settings.get("repeat", 1)):
                start, working = time.perf_counter(), time.thread_time()
                found = decode(item)
                times.append(time.perf_counter() - start)
                busy.append(time.thread_time() - working)
            texts.append(text(found))
            seconds.append(statistics.median(times))
            cpu.append(statistics.median(busy))
        print(json.dumps({"texts": texts, "seconds": seconds, "cpu": cpu}), flush=True)
