"""The time of a step of ``generate`` with widebeam.hf.beam_search and with transformers' own search.

The model is a toy GPT-2 with a real vocabulary, so that the search is most of the time. Prints
medians of runs in turns, in milliseconds a step.
"""

import statistics
import time

import torch
import transformers

import widebeam.hf

STEPS, RUNS = 30, 7


def seconds(model, prompts, beams, **options):
    begun = time.perf_counter()
    model.generate(
        prompts, num_beams=beams, max_new_tokens=STEPS, do_sample=False, eos_token_id=None,
        pad_token_id=0, **options,
    )  # fmt: skip
    return time.perf_counter() - begun


def main():
    torch.manual_seed(0)
    config = transformers.GPT2Config(n_embd=32, n_layer=1, n_head=2, initializer_range=0.4)
    model = transformers.GPT2LMHeadModel(config).eval()
    print(f"vocabulary {config.vocab_size}, {torch.get_num_threads()} threads of torch")
    for batch, beams in [(1, 4), (4, 4), (8, 8)]:
        prompts = torch.randint(config.vocab_size, (batch, 5))
        ways = {"transformers": {}, "widebeam": {"custom_generate": widebeam.hf.beam_search}}
        times = {name: [] for name in ways}
        for run in range(RUNS + 1):
            for name, options in ways.items():
                taken = seconds(model, prompts, beams, **options)
                if run:
                    times[name].append(1e3 * taken / STEPS)
        said = ", ".join(f"{name} {statistics.median(times[name]):.2f} ms" for name in ways)
        print(f"batch {batch}, beams {beams}: {said} a step")


if __name__ == "__main__":
    main()
