"""Emissions in Parquet to transcripts in Parquet, with Spark::

    pip install pyspark pyarrow pandas
    python spark_job.py emissions transcripts labels.txt

The files of emissions have a column ``scores``, with a list of frames of log-probabilities for
each utterance; other columns are passed on. A bad utterance has its reason in the column ``error``.
"""

import sys

import widebeam.spark
from pyspark.sql import SparkSession


def main(emissions, transcripts, labels):
    with open(labels, encoding="utf-8") as file:
        labels = file.read().splitlines()
    spark = (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "256")
        .getOrCreate()
    )
    decode = widebeam.spark.Ctc(scores="log-probs", labels=labels, blank=0, beams=16)
    utterances = spark.read.parquet(emissions)
    found = utterances.mapInArrow(decode.in_arrow, decode.schema(utterances.schema))
    found.write.parquet(transcripts)
    written = spark.read.parquet(transcripts)
    bad = written.filter("error is not null").count()
    print(f"{written.count()} utterances, {bad} bad")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
