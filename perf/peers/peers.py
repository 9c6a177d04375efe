"""Who takes part."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Peer:
    # The package that is installed, and whose version is said.
    package: str
    tasks: tuple[str, ...]
    # Of a peer in Python, its environment and its file in `programs`; those of the
    # others are programs of rust/ that have the package's name.
    environment: str | None = None
    module: str | None = None


WIDEBEAM = Peer("widebeam", ("independent", "step", "ctc", "transducer"))
PEERS = [
    WIDEBEAM,
    Peer("torch", ("independent", "step", "transducer"), "torch", "pytorch"),
    Peer("numpy", ("independent", "ctc"), "torch", "numpy_only"),
    Peer("oxicuda-seq", ("independent", "ctc")),
    Peer("rten", ("ctc",)),
    Peer("ctclib", ("ctc",)),
    Peer("flashlight-text", ("ctc",), "ctc", "flashlight_text"),
    Peer("fast-ctc-decode", ("ctc",), "ctc", "fast_ctc_decode"),
    Peer("ctc-beam-decoder", ("ctc",), "ctc", "ctc_beam_decoder"),
    Peer("pyctcdecode", ("ctc",), "ctc", "pyctcdecode"),
]
