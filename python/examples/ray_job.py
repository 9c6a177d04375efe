"""Emissions in Parquet to transcripts in Parquet, with Ray Data::

    pip install 'ray[data]'
    python ray_job.py emissions transcripts labels.txt

The files of emissions have a column ``scores``, with a list of frames of log-probabilities for
each utterance; other columns are passed on. A bad utterance has its reason in the column ``error``.
"""

import sys

import ray
import widebeam.ray

WORKERS, PROCESSORS = 2, 1


def main(emissions, transcripts, labels):
    with open(labels, encoding="utf-8") as file:
        labels = file.read().splitlines()
    utterances = ray.data.read_parquet(emissions)
    found = utterances.map_batches(
        widebeam.ray.Ctc,
        fn_constructor_kwargs={"scores": "log-probs", "labels": labels, "blank": 0, "beams": 16},
        batch_format="pyarrow",
        batch_size=256,
        concurrency=WORKERS,
        num_cpus=PROCESSORS,
    )
    found.write_parquet(transcripts)
    written = ray.data.read_parquet(transcripts)
    bad = written.filter(expr="error is not None").count()
    print(f"{written.count()} utterances, {bad} bad")


if __name__ == "__main__":
    main(*sys.argv[1:])
