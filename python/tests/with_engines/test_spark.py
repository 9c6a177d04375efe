"""Local Spark with two threads of executors."""

import os
import sys
import time
from pathlib import Path

import pytest

pyspark = pytest.importorskip("pyspark")

sys.path.insert(0, str(Path(__file__).parent))
import widebeam.spark  # noqa: E402
from worker import Noted, report  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def spark():
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = str(Path(__file__).parent)
    # Two threads; a task that fails is tried four times.
    session = (
        SparkSession.builder.master("local[2, 4]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "128")
        .config("spark.sql.files.maxPartitionBytes", str(8 << 20))
        .config("spark.driver.memory", "2g")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.mark.parametrize("way", ["in Arrow", "in pandas", "a worker dies"])
def test_the_same_as_one_process(spark, job, same, tmp_path, way):
    folder, settings, expected, alone = job
    decode = widebeam.spark.Ctc(**settings)
    noted = Noted(tmp_path, settings["lm"], len(expected) // 2 if way == "a worker dies" else None)
    emissions = spark.read.parquet(str(folder))
    function = decode.in_pandas if way == "in pandas" else decode.in_arrow

    def taking_notes(batches):
        for batch in batches:
            yield noted(lambda batch: next(function(iter([batch]))), batch)

    begun = time.time()
    if way == "in pandas":
        found = emissions.mapInPandas(taking_notes, decode.schema(emissions.schema))
    else:
        found = emissions.mapInArrow(taking_notes, decode.schema(emissions.schema))
    found.write.parquet(str(tmp_path / "out"))
    report(noted, f"Spark, {way}", begun, alone)
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(tmp_path / "out").sort_by("id")
    same(table, expected)
    assert (tmp_path / "died").exists() == (way == "a worker dies")
