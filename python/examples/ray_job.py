"""Emissions in Parquet to transcripts in Parquet, with Ray Data::

    pip install 'ray[data]'
    python ray_job.py emissions transcripts labels.txt

The files of emissions have a column ``scores``, with a list of frames of log-probabilities for
each utterance; other columns are passed on. A bad utterance has its reason in the column ``error``.
"""

import os
import sys

import pyarrow.parquet
import ray
import widebeam.ray

WORKERS = 2
# A worker keeps its processors to the end of the job. Ray needs another one, to read and to write: if
# the workers had them all, the job would wait for ever. With less than one, a worker has one thread.
PROCESSORS = 1 if os.cpu_count() > WORKERS else 0.5


def main(emissions, transcripts, labels):
    with open(labels, encoding="utf-8") as file:
        labels = file.read().splitlines()
    utterances = ray.data.read_parquet(emissions)
    found = utterances.map_batches(
        widebeam.ray.Ctc,
        fn_constructor_kwargs={"scores": "log-probs", "labels": labels, "blank": 0, "beams": 16},
        batch_format="pyarrow",
        batch_size=256,
        compute=ray.data.ActorPoolStrategy(size=WORKERS),
        num_cpus=PROCESSORS,
    )
    found.write_parquet(transcripts)
    errors = pyarrow.parquet.read_table(transcripts, columns=["error"])["error"]
    print(f"{len(errors)} utterances, {len(errors) - errors.null_count} bad")


if __name__ == "__main__":
    main(*sys.argv[1:])
