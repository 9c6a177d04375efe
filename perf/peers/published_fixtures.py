"""Writes tests/fixtures/whisper.json and tests/fixtures/vllm.json: beam searches of toy models by
the published algorithms of published_searches.py, for tests/parity.rs to replay.

    pip install numpy
    python perf/peers/published_fixtures.py
"""

import json
import pathlib

import published_searches


def toy_case(seed, beams, **settings):
    return {
        "seed": seed,
        "vocab": 48,
        "eos_bonus": [1.0, 2.0, 3.0][seed % 3],
        "prompt": [1] + [7, 8, 9][: seed % 4],
        "beams": beams,
        "max_length": 3 + seed % 8,
        **settings,
    }


def whisper_cases():
    seed = 2000
    for penalty in (None, 0.0, 0.6, 1.0):
        for patience in (1.0, 1.5, 2.0, 2.5):
            for beams in range(1, 9):
                seed += 1
                yield toy_case(seed, beams, eos=[5], patience=patience, length_penalty=penalty)


def vllm_cases():
    """vLLM knows one end token, so that at least k of the best 2k tokens of a row go on."""
    seed = 3000
    for penalty in (0.0, 0.6, 1.0, 2.0):
        for beams in range(1, 25):
            seed += 1
            yield toy_case(seed, beams, eos=[5], length_penalty=penalty)


def write(name, search, cases):
    done = [dict(case, hypotheses=search(case)) for case in cases]
    path = pathlib.Path(__file__).parents[2] / f"tests/fixtures/{name}.json"
    lines = ",\n".join(json.dumps(case) for case in done)
    path.write_text(f'{{"cases": [\n{lines}\n]}}\n')
    print(name, len(done), "cases,", path.stat().st_size, "bytes")


def whisper(case):
    """Whisper divides by a length of 0 where it has only ended: such cases are left out."""
    try:
        return published_searches.whisper(case)
    except ZeroDivisionError:
        return None


def main():
    possible = [case for case in whisper_cases() if whisper(case) is not None]
    write("whisper", whisper, possible)
    write("vllm", published_searches.vllm, vllm_cases())


if __name__ == "__main__":
    main()
