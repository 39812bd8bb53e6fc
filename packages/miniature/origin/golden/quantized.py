"""Make the golden files of weights in 8 bits: what Transformers computes when numpy rounds the weights, and the inputs of each
linear layer, to 8 bits in blocks of 32.

    python quantized.py [--out FOLDER]     reads the fixtures' models, writes quantized/ beside them

Weights: a scale and a zero point for each block along the input. Inputs, which ONNX Runtime's 8-bit product rounds on its own:
a scale for each block, largest magnitude / 127. The products of the rounded numbers are summed in float64. Prompts are drawn
until no input lies so near the middle between two values that the order of float32 operations decides which it becomes."""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np
import torch
from safetensors.torch import save_file

BLOCK = 32
# Sizes that blocks divide and that they do not, biases everywhere, soft caps and (1 + w) norms, tied and untied heads, f32 and bf16.
MODELS = ["gqa-6-2-tied", "odd-sizes", "bf16-tied", "llama-linear-biases", "gemma2"]
ADAPTERS = {"gqa-6-2-tied": "plain"}
PROMPT_LENGTHS = (2, 5)
# In steps of the rounded inputs, which are at most 127: some hundred times the error of a float32 there.
SMALLEST_DISTANCE = 1e-4
# Stored whole, so that a difference shows where it is.
SHOWN = "model.layers.0.mlp.down_proj"


def padded(matrix):
    """[rows, blocks, BLOCK], filled up with zeros."""
    rows, columns = matrix.shape
    blocks = -(-columns // BLOCK)
    out = np.zeros((rows, blocks * BLOCK), matrix.dtype)
    out[:, :columns] = matrix
    return out.reshape(rows, blocks, BLOCK)


def quantize_weight(weight):
    """Values, scales and zero points of a float32 matrix."""
    blocks = padded(weight)
    low = np.minimum(blocks.min(axis=2), 0).astype(np.float64)
    high = np.maximum(blocks.max(axis=2), 0).astype(np.float64)
    scales = ((high - low) / 255).astype(np.float32)
    divisor = np.where(scales == 0, 1, scales).astype(np.float64)
    zero_points = np.minimum(np.rint(-low / divisor), 255)
    values = np.clip(np.rint(blocks / divisor[:, :, None]) + zero_points[:, :, None], 0, 255)
    return values.astype(np.uint8), scales, zero_points.astype(np.uint8)


def dequantize_weight(values, scales, zero_points, columns):
    """float64 [rows, columns]"""
    exact = (values.astype(np.float64) - zero_points[:, :, None]) * scales.astype(np.float64)[:, :, None]
    return exact.reshape(values.shape[0], -1)[:, :columns]


class Ties:
    """The least distance of an input from the middle between two values, in steps."""

    least = 0.5


def round_inputs(inputs):
    """float32 [rows, columns] as the products see it, float64"""
    blocks = padded(inputs)
    largest = np.abs(blocks).max(axis=2, keepdims=True)
    scales = largest / np.float32(127)
    inverse = np.divide(np.float32(127), largest, out=np.zeros_like(largest), where=largest != 0)
    steps = blocks * inverse
    Ties.least = min(Ties.least, np.abs(np.abs(steps - np.floor(steps)) - 0.5).min())
    rounded = np.rint(steps).astype(np.float64) * scales.astype(np.float64)
    return rounded.reshape(inputs.shape[0], -1)[:, : inputs.shape[1]]


def replace_linear(module, parts, rounds_inputs):
    weight = dequantize_weight(*parts, module.in_features)
    bias = 0 if module.bias is None else module.bias.detach().numpy().astype(np.float64)

    def forward(x):
        flat = x.detach().reshape(-1, module.in_features).numpy()
        inputs = round_inputs(flat) if rounds_inputs else flat.astype(np.float64)
        return torch.from_numpy((inputs @ weight.T + bias).astype(np.float32)).reshape(*x.shape[:-1], -1)

    module.forward = forward


def quantized_network(folder, rounds_inputs, stacked=None, merged=None):
    """The network with its linear layers and head replaced, and the parts of each weight. An adapter is merged before, or
    stacked after."""
    from adapters import attach, merge
    from tiny_models import load

    network = load(folder)
    if merged is not None:
        network = merge(network, merged)
    parts = {}
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Linear):
            parts[name] = quantize_weight(module.weight.detach().numpy())
            replace_linear(module, parts[name], rounds_inputs)
    if stacked is not None:
        network = attach(network, {"default": stacked})
    return network, parts


def draw_prompts(network, name):
    """Token ids, and what the network computes for them."""
    from reference import forward
    from settings import SEED

    for length in PROMPT_LENGTHS:
        for attempt in range(2000):
            generator = np.random.default_rng([SEED, length, attempt])
            ids = generator.integers(0, min(300, network.config.vocab_size), length).tolist()
            Ties.least = 0.5
            logits, layers, _ = forward(network, ids)
            if Ties.least >= SMALLEST_DISTANCE:
                break
        else:
            raise SystemExit(f"{name}: every prompt of {length} tokens has an input near a tie")
        yield f"p{length}", ids, logits, layers


def write_model(name, fixtures, out):
    from reference import forward

    folder = fixtures / name / "model"
    tensors = {}
    runs = [("", {})]
    if name in ADAPTERS:
        adapter = fixtures / name / "adapters" / ADAPTERS[name]
        runs += [("stacked.", {"stacked": adapter}), ("merged.", {"merged": adapter})]
    unrounded, _ = quantized_network(folder, False)
    for prefix, layers_of in runs:
        network, parts = quantized_network(folder, True, **layers_of)
        for prompt, ids, logits, layers in draw_prompts(network, name):
            tensors[f"{prefix}{prompt}.ids"] = torch.tensor(ids, dtype=torch.int64)
            tensors[f"{prefix}{prompt}.logits"] = logits
            for index, layer in enumerate(layers):
                tensors[f"{prefix}{prompt}.layer_{index}"] = layer
            if prefix == "":
                tensors[f"{prompt}.logits_of_unrounded_inputs"] = forward(unrounded, ids)[0]
                shown = parts[SHOWN]
    for part, value in zip(["values", "scales", "zero_points"], shown):
        tensors[f"{SHOWN}.weight.{part}"] = torch.from_numpy(value)
    path = out / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in tensors.items()}, path)
    path.chmod(0o644)
    print(name, {key: value.tolist() for key, value in tensors.items() if key.endswith("ids")})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = Path(__file__).resolve().parents[3] / "inference" / "fixtures"
    parser.add_argument("--out", type=Path, default=default, help="folder of the fixtures (default: %(default)s)")
    fixtures = parser.parse_args().out
    torch.set_num_threads(1)
    (fixtures / "quantized").mkdir(exist_ok=True)
    for name in MODELS:
        write_model(name, fixtures, fixtures / "quantized")


if __name__ == "__main__":
    main()
