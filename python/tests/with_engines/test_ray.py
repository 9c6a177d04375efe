"""Local Ray with two workers."""

import sys
import time
from pathlib import Path

import pytest

ray = pytest.importorskip("ray")

sys.path.insert(0, str(Path(__file__).parent))
from worker import Noted, Worker, report  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module", autouse=True)
def cluster():
    paths = {"env_vars": {"PYTHONPATH": str(Path(__file__).parent)}}
    ray.init(num_cpus=3, include_dashboard=False, runtime_env=paths, logging_level="ERROR")
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.mark.parametrize("dies", [False, True], ids=["whole", "a worker dies"])
def test_the_same_as_one_process(job, same, tmp_path, dies):
    folder, settings, expected, alone = job
    import pyarrow.parquet

    # Files are read here: Ray's reader has actors of its own, which two processors starve.
    files = [pyarrow.parquet.read_table(path) for path in sorted(folder.glob("*.parquet"))]
    noted = Noted(tmp_path, settings["lm"], len(expected) // 2 if dies else None)
    begun = time.time()
    found = ray.data.from_arrow(files).map_batches(
        Worker,
        fn_constructor_args=(noted,),
        fn_constructor_kwargs=settings,
        batch_format="pyarrow",
        batch_size=128,
        compute=ray.data.ActorPoolStrategy(size=2),
        num_cpus=1,
    )
    tables = ray.get(found.to_arrow_refs())
    report(noted, "Ray, a worker dies" if dies else "Ray", begun, alone)
    same(pyarrow.concat_tables(tables).sort_by("id"), expected)
    assert (tmp_path / "died").exists() == dies
