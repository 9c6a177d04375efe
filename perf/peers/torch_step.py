"""Times PyTorch's step of a beam search, for the shapes of
benches/autoregressive.rs: log_softmax over the rows, plus the beams' scores,
the best 2k of each request's beams x vocabulary.

    pip install torch numpy
    python perf/peers/torch_step.py [threads]

Logits are drawn as the Rust benchmark draws them, and rotate through more
memory than the caches hold. Prints the median of each shape.
"""

import statistics
import sys
import time

import torch

SHAPES = [
    (1, 4, 32000),
    (8, 4, 32000),
    (8, 8, 49152),
    (32, 5, 50257),
    (1, 64, 32000),
    (1, 512, 32000),
    (1, 2000, 32000),
]
ROTATION = 256 << 20


def step(logits, scores, beams):
    requests = scores.shape[0]
    log_probs = torch.log_softmax(logits, dim=-1)
    total = log_probs.view(requests, beams, -1) + scores[:, :, None]
    return total.view(requests, -1).topk(2 * beams, dim=1)


def main():
    if len(sys.argv) > 1:
        torch.set_num_threads(int(sys.argv[1]))
    torch.set_grad_enabled(False)
    torch.manual_seed(1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    for requests, beams, vocab in SHAPES:
        rows = requests * beams
        copies = min(max(ROTATION // (rows * vocab * 4), 1), 64)
        data = sum(torch.rand(copies, rows, vocab) for _ in range(4)).sub_(2).mul_(5)
        scores = torch.randn(requests, beams)
        times = []
        start = time.perf_counter()
        while len(times) < 10 or time.perf_counter() - start < 1.5:
            logits = data[len(times) % copies]
            before = time.perf_counter()
            step(logits, scores, beams)
            times.append(time.perf_counter() - before)
            if time.perf_counter() - start > 8:
                break
        print(f"{requests}x{beams}x{vocab}: {statistics.median(times) * 1e3:.3f} ms")


if __name__ == "__main__":
    main()
