"""Several adapters at once, merged adapters, merged adapters in the file's own dtype, and adapters turned off."""

import hashlib

import numpy as np
import torch
from peft import PeftModel

from adapters import attach, lora_layers, merge
from reference import forward
from tiny_models import load

# Model -> compositions; layers in the order in which they apply, each stacked, merged or off.
COMPOSITIONS = {
    "gqa-6-2-tied": [
        ("plain+rslora", [("plain", "stacked"), ("rslora", "stacked")]),
        ("plain-merged", [("plain", "merged")]),
        ("plain-merged+rslora", [("plain", "merged"), ("rslora", "stacked")]),
    ],
    "bf16-tied": [
        ("plain-merged", [("plain", "merged")]),
        ("plain-merged+stored-bf16", [("plain", "merged"), ("stored-bf16", "stacked")]),
    ],
}


def compose(model, model_folder, adapter_folder, layers):
    """The network of a composition. Merged layers come first; where the file is not float32, the merged weights are
    rounded to its dtype (to nearest, ties to even) before anything is stacked on them."""
    network = load(model_folder)
    merged = [name for name, mode in layers if mode == "merged"]
    stacked = {name: adapter_folder(name) for name, mode in layers if mode == "stacked"}
    for name in merged:
        network = merge(network, adapter_folder(name))
    if merged and model.dtype != "float32":
        round_parameters(network, getattr(torch, model.dtype))
    return attach(network, stacked) if stacked else network


@torch.no_grad()
def round_parameters(network, dtype):
    """Parameters only: casting the module would round the rotary embedding's frequencies too."""
    for parameter in network.parameters():
        parameter.copy_(parameter.to(dtype))


def changed_tensor_hashes(model, network, model_folder):
    """SHA-256 of the little-endian bytes, in the file's dtype, of every tensor that merging changed."""
    base, merged = load(model_folder).state_dict(), network.state_dict()
    hashes = {}
    for name in sorted(base):
        if torch.equal(base[name], merged[name]) or name == "lm_head.weight":
            continue
        stored = merged[name].to(getattr(torch, model.dtype))
        if not torch.equal(stored.to(torch.float32), merged[name]):
            raise SystemExit(f"{name}: the merged values are not those of {model.dtype}")
        hashes[name] = hashlib.sha256(stored.contiguous().view(torch.int16).numpy().astype("<i2").tobytes()).hexdigest()
    return hashes


def near_ties(model_folder, folder):
    """How many merged values lie so near the middle of two bfloat16 numbers that the order of the float32 operations
    could decide the rounding. The bound covers any order of W + scale * (B A): each product, the sum over the rank and
    the last addition err by at most 2^-24 of their result."""
    network = PeftModel.from_pretrained(load(model_folder), folder)
    count = 0
    for layer in lora_layers(network).values():
        a = layer.lora_A["default"].weight.detach().double().numpy()
        b = layer.lora_B["default"].weight.detach().double().numpy()
        scale = layer.scaling["default"]
        value = layer.base_layer.weight.detach().double().numpy() + scale * (b @ a)
        error = 2.0**-24 * (np.abs(value) + (len(a) + 1) * abs(scale) * (np.abs(b) @ np.abs(a)))
        spacing = 2.0 ** (np.floor(np.log2(np.abs(value))) - 7)
        fraction = np.abs(value) / spacing
        distance = np.abs(fraction - np.floor(fraction) - 0.5) * spacing
        count += int((distance <= error).sum())
    return count


def off_equals_base(model_folder, folder, prompts):
    """Whether the base with the adapter attached and disabled gives the base's logits and layers, bit for bit."""
    base = load(model_folder)
    wrapped = PeftModel.from_pretrained(load(model_folder), folder).eval()
    with wrapped.disable_adapter():
        for ids in prompts.values():
            expected, actual = forward(base, ids), forward(wrapped, ids)
            pairs = [(expected[0], actual[0]), (expected[2], actual[2]), *zip(expected[1], actual[1], strict=True)]
            if not all(torch.equal(one, other) for one, other in pairs):
                return False
    return True
