"""An independent check of the golden files: the Qwen2 forward pass in numpy, float64, from the files on disk.

Nothing here uses torch, Transformers or PEFT; the safetensors reader is its own too."""

import hashlib
import json
import re
import struct

import numpy as np

from settings import read_json

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8"}


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        raw = data[start:end]
        if entry["dtype"] == "BF16":
            flat = (np.frombuffer(raw, "<u2").astype("<u4") << 16).view("<f4")
        else:
            flat = np.frombuffer(raw, DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def read_weights(folder):
    weights = {}
    for path in sorted(folder.glob("model*.safetensors")):
        weights.update({name: value.astype(np.float64) for name, value in read_safetensors(path).items()})
    return weights


def pattern_value(patterns, module, default):
    """A key of rank_pattern or alpha_pattern holds for a module whose path it matches as a regular expression, whole
    or after a dot; without one the configuration's own value holds."""
    for key, value in patterns.items():
        if re.match(rf"(.*\.)?({key})$", module):
            return value
    return default


def adapter_scale(config, module):
    rank = pattern_value(config["rank_pattern"], module, config["r"])
    alpha = pattern_value(config["alpha_pattern"], module, config["lora_alpha"])
    return alpha / (rank**0.5 if config["use_rslora"] else rank)


def add_adapter(weights, folder):
    """The weights W + scale * B A, and the names of those that changed."""
    config = read_json(folder / "adapter_config.json")
    tensors = read_safetensors(folder / "adapter_model.safetensors")
    changed = {}
    for name, a in tensors.items():
        if not name.endswith(".lora_A.weight"):
            continue
        b = tensors[name.replace("lora_A", "lora_B")].astype(np.float64)
        module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        target = f"{module}.weight"
        changed[target] = weights[target] + adapter_scale(config, module) * (b @ a.astype(np.float64))
    return {**weights, **changed}, sorted(changed)


def bfloat16_bits(value):
    """The upper 16 bits after rounding to nearest, ties to even."""
    bits = value.astype("<f4").view("<u4").astype(np.uint64)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2")


def round_to_bfloat16(value):
    return (bfloat16_bits(value).astype("<u4") << 16).view("<f4").astype(np.float64)


def rms_norm(x, weight, epsilon):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def rotate(x, theta):
    """Rotary embedding, halves convention. x: [n, nHeads, headDim]."""
    n, _, head_dim = x.shape
    half = head_dim // 2
    angles = np.arange(n)[:, None] * theta ** (-np.arange(half) / half)[None]
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    first, second = x[..., :half], x[..., half:]
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], -1)


def attention(x, weights, prefix, config):
    n = len(x)
    n_heads, n_kv = config["num_attention_heads"], config["num_key_value_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // n_heads
    theta = config["rope_theta"] if "rope_theta" in config else config["rope_parameters"]["rope_theta"]
    project = {
        key: (x @ weights[f"{prefix}.{key}_proj.weight"].T + weights[f"{prefix}.{key}_proj.bias"]).reshape(n, -1, head_dim)
        for key in "qkv"
    }
    q, k = rotate(project["q"], theta), rotate(project["k"], theta)
    heads = []
    for head in range(n_heads):
        kv = head // (n_heads // n_kv)
        scores = q[:, head] @ k[:, kv].T / head_dim**0.5
        scores[np.triu_indices(n, 1)] = -np.inf
        share = np.exp(scores - scores.max(-1, keepdims=True))
        heads.append(share / share.sum(-1, keepdims=True) @ project["v"][:, kv])
    return np.concatenate(heads, -1) @ weights[f"{prefix}.o_proj.weight"].T


def mlp(x, weights, prefix):
    gate = x @ weights[f"{prefix}.gate_proj.weight"].T
    up = x @ weights[f"{prefix}.up_proj.weight"].T
    return (gate / (1 + np.exp(-gate)) * up) @ weights[f"{prefix}.down_proj.weight"].T


def run(weights, config, ids):
    """Block outputs, final norm and logits of one sequence, by the golden files' names."""
    epsilon = config["rms_norm_eps"]
    x = weights["model.embed_tokens.weight"][ids]
    values = {}
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        normed = rms_norm(x, weights[f"{prefix}.input_layernorm.weight"], epsilon)
        x = x + attention(normed, weights, f"{prefix}.self_attn", config)
        normed = rms_norm(x, weights[f"{prefix}.post_attention_layernorm.weight"], epsilon)
        x = x + mlp(normed, weights, f"{prefix}.mlp")
        values[f"layer_{layer}"] = x
    values["final_norm"] = rms_norm(x, weights["model.norm.weight"], epsilon)
    head = weights["model.embed_tokens.weight" if config["tie_word_embeddings"] else "lm_head.weight"]
    values["logits"] = values["final_norm"] @ head.T
    return values


def logprobs_of(logits, ids):
    top = logits.max(-1, keepdims=True)
    logprobs = logits - top - np.log(np.exp(logits - top).sum(-1, keepdims=True))
    return logprobs[np.arange(len(ids) - 1), ids[1:]]


def differences(weights, config, golden, prompts):
    """Per kind of value, over the prompts: the largest absolute difference, and that as a share of the largest value
    (at least 1) of the same tensor."""
    worst = {}
    for prompt in prompts:
        ids = golden[f"{prompt}.ids"]
        values = run(weights, config, ids)
        found = {"token_logprobs": logprobs_of(values["logits"], ids)}
        if f"{prompt}.positions" in golden:
            rows = golden[f"{prompt}.positions"]
            found.update({name: value[rows] for name, value in values.items()})
        if f"{prompt}.greedy_means" in golden:
            sequence = np.concatenate([ids, golden[f"{prompt}.greedy_ids"]])
            fed = run(weights, config, sequence)
            layers = [fed[f"layer_{i}"] for i in range(config["num_hidden_layers"])]
            found["greedy_means"] = np.stack([layer[len(ids) :].mean(0) for layer in layers])
            found["greedy_ids"] = fed["logits"][len(ids) - 1 : -1].argmax(-1)
        for name, value in found.items():
            absolute, share = difference(value, golden[f"{prompt}.{name}"])
            before = worst.get(name, (0.0, 0.0))
            worst[name] = (max(before[0], absolute), max(before[1], share))
    return worst


def difference(value, expected):
    if value.shape != expected.shape:
        raise SystemExit(f"shapes differ: {value.shape} and {expected.shape}")
    if value.size == 0:
        return 0.0, 0.0
    absolute = float(np.abs(value - expected).max())
    return absolute, absolute / max(1.0, float(np.abs(expected).max()))


PROMPTS = ("p1", "p2", "p7", "p19", "p33")


def apply_layers(weights, entry, layers, root, dtype):
    """The weights of a composition. Merged layers of a BF16 file are rounded."""
    for layer in layers:
        weights, changed = add_adapter(weights, root / entry["name"] / "adapters" / layer["adapter"])
        if layer["mode"] == "merged" and dtype == "bfloat16":
            weights = {**weights, **{name: round_to_bfloat16(weights[name]) for name in changed}}
    return weights


def check_hashes(weights, expected):
    for name, digest in expected.items():
        if hashlib.sha256(bfloat16_bits(weights[name]).tobytes()).hexdigest() != digest:
            raise SystemExit(f"{name}: the merged bits differ")


def check_model(entry, root):
    """Yield the golden file and the differences of each of a model's golden files."""
    config = read_json(root / entry["folder"] / "config.json")
    base = read_weights(root / entry["folder"])
    single = [{**adapter, "layers": [{"adapter": adapter["name"], "mode": "stacked"}]} for adapter in entry["adapters"]]
    for case in [{"golden": entry["golden"], "layers": []}, *single, *entry["compositions"]]:
        weights = apply_layers(base, entry, case["layers"], root, entry["dtype"])
        check_hashes(weights, case.get("mergedTensorSha256", {}))
        yield case["golden"], differences(weights, config, read_safetensors(root / case["golden"]), PROMPTS)


def verify(root, tolerance=5e-6):
    """Print the absolute differences of every golden file; stop with an error where one is over the tolerance, a share
    of the tensor's largest value. Float32 itself explains a few 1e-6: the reference has 24 bits, this check 53."""
    largest = 0.0
    for entry in read_json(root / "manifest.json")["models"]:
        for file, worst in check_model(entry, root):
            largest = max(largest, *(share for _, share in worst.values()))
            print(f"{file}: " + ", ".join(f"{name} {absolute:.1e}" for name, (absolute, _) in worst.items()))
    print(f"largest difference as a share of its tensor's largest value: {largest:.1e} (at most {tolerance:.0e})")
    if not largest <= tolerance:
        raise SystemExit("the golden files are not what numpy computes")
