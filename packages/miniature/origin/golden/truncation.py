"""Which tokens Transformers' temperature, top_k and top_p keep, in the order in which its `generate` applies them.

    python truncation.py          writes truncation.json and truncation.safetensors into the fixtures

`golden.py` calls this last."""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np
import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from golden import DEFAULT_OUT, restart_with_fixed_environment
from reference import save
from settings import draw, write_json

# Fewer tokens than an engine would look at first, and more. Both primes, so that equal logits never sum to top_p exactly.
SIZES = (331, 1501)


def rows_of(size):
    ramp = torch.arange(size, dtype=torch.float32)
    ties = torch.from_numpy(draw(f"truncation/ties/{size}", (size,), 1.5)).round() + 0.0
    peak, twins = torch.zeros(size), torch.zeros(size)
    peak[size // 2], twins[7], twins[-3] = 30.0, 12.0, 12.0
    return {
        "flat": torch.from_numpy(draw(f"truncation/flat/{size}", (size,), 0.3)),
        "middle": torch.from_numpy(draw(f"truncation/middle/{size}", (size,), 2.0)),
        "peaked": torch.from_numpy(draw(f"truncation/peaked/{size}", (size,), 6.0)),
        "falling": -0.01 * ramp,
        "rising": 0.02 * ramp,
        "equal": torch.zeros(size),
        "ties": ties,
        "peak": peak,
        "twins": twins,
    }


def settings_of(size):
    ks = [(1.0, k, None) for k in (1, 2, 50, size - 1, size, size + 10)]
    ps = [(1.0, None, p) for p in (1e-9, 0.1, 0.5, 0.9, 0.999, 1.0)]
    both = [(0.7, 50, 0.9), (1.5, 40, 0.3), (0.2, 200, 0.95), (3.0, None, 0.6), (1.0, 1, 0.01)]
    edges = [(1.0, k, p) for k in (1023, 1024, 1025, 1300) for p in (None, 0.7)] if size > 1300 else []
    return [*ks, *ps, *both, *edges]


def kept(logits, temperature, top_k, top_p):
    """As `generate` chooses its warpers: top_p only below 1."""
    warpers = [TemperatureLogitsWarper(temperature)]
    if top_k is not None:
        warpers.append(TopKLogitsWarper(top_k))
    if top_p is not None and top_p < 1.0:
        warpers.append(TopPLogitsWarper(top_p))
    scores = logits[None]
    for warper in warpers:
        scores = warper(None, scores)
    return torch.isfinite(scores[0])


def write_truncation(out):
    tensors, entries = {}, []
    for size in SIZES:
        rows, settings = rows_of(size), settings_of(size)
        tensors[f"{size}.logits"] = torch.stack(list(rows.values()))
        masks = [[kept(row, *setting) for row in rows.values()] for setting in settings]
        bits = np.packbits(torch.stack([torch.stack(of_rows) for of_rows in masks]).numpy(), axis=-1, bitorder="little")
        tensors[f"{size}.kept"] = torch.from_numpy(bits)
        names = ("temperature", "topK", "topP")
        entries.append({"size": size, "rows": list(rows), "settings": [dict(zip(names, s, strict=True)) for s in settings]})
    save(out / "truncation.safetensors", tensors)
    write_json(out / "truncation.json", {"golden": "truncation.safetensors", "sizes": entries})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the fixtures (default: %(default)s)")
    options = parser.parse_args()
    restart_with_fixed_environment()
    torch.set_num_threads(1)
    write_truncation(options.out)
