"""Frobenius norms over all lora_B tensors of the miniature baseline's checkpoints, for plot-lora.test.ts."""

import sys
from pathlib import Path

import torch
from safetensors.torch import load_file

for folder in sorted(Path(sys.argv[1]).glob("checkpoint-*"), key=lambda p: int(p.name.split("-")[1])):
    tensors = load_file(folder / "adapter_model.safetensors")
    squares = sum((t.double() ** 2).sum() for name, t in tensors.items() if ".lora_B." in name)
    print(folder.name.split("-")[1], torch.sqrt(squares).item())
