"""Adapters that a careful reader refuses, and one that it must accept and report as untrained."""

import shutil
from pathlib import Path

import torch
from peft import get_peft_model
from safetensors.torch import load_file, save_file

from adapters import fill_adapter, lora_config, named_base, save_peft
from settings import draw, read_json, write_json

LAYER = "base_model.model.model.layers.0.self_attn"
QUERY = f"{LAYER}.q_proj"
TINY = {"r": 1, "lora_alpha": 2, "target_modules": ["q_proj"], "layers_to_transform": [0]}
TINY_PAIR = {**TINY, "target_modules": ["q_proj", "v_proj"]}
WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


def edit_tensors(folder, edit):
    tensors = load_file(folder / WEIGHTS)
    edit(tensors)
    save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})


def edit_config(folder, changes):
    write_json(folder / CONFIG, {**read_json(folder / CONFIG), **changes})


def drop(*names):
    return lambda folder: edit_tensors(folder, lambda tensors: [tensors.pop(name) for name in names])


def put(name, shape, value=None):
    tensor = torch.from_numpy(draw(f"hostile/{name}", shape, 0.1)) if value is None else torch.full(shape, value)
    return lambda folder: edit_tensors(folder, lambda tensors: tensors.update({name: tensor}))


def truncate(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:-100])


# name: (model, PEFT configuration, change after saving, what is wrong)
CASES = {
    "missing-lora-b": (
        "gqa-6-2-tied", TINY_PAIR, drop(f"{LAYER}.v_proj.lora_B.weight"), "v_proj of layer 0 has lora_A but no lora_B",
    ),
    "missing-module": (
        "gqa-6-2-tied", TINY_PAIR, drop(f"{LAYER}.v_proj.lora_A.weight", f"{LAYER}.v_proj.lora_B.weight"),
        "the configuration targets q_proj and v_proj of layer 0, the file holds q_proj only",
    ),
    "extra-tensor": (
        "gqa-6-2-tied", TINY, put(f"{QUERY}.lora_C.weight", (1, 96)), "a tensor of unknown meaning, lora_C",
    ),
    "extra-layer": (
        "gqa-6-2-tied", TINY, put("base_model.model.model.layers.9.self_attn.q_proj.lora_A.weight", (1, 96)),
        "a tensor for layer 9 of a model with 3 layers",
    ),
    "wrong-shape": (
        "gqa-6-2-tied", TINY, put(f"{QUERY}.lora_B.weight", (64, 1)), "lora_B is [64, 1]; q_proj needs [96, 1]",
    ),
    "wrong-rank": (
        "gqa-6-2-tied", TINY, lambda folder: edit_config(folder, {"r": 2}),
        "the configuration says rank 2, the tensors have rank 1",
    ),
    "other-base": (
        "gqa-6-2-tied", TINY,
        lambda folder: edit_config(folder, {"base_model_name_or_path": "another-lab/another-model"}),
        "base_model_name_or_path is another model",
    ),
    "nan": ("gqa-6-2-tied", TINY, put(f"{QUERY}.lora_B.weight", (96, 1), float("nan")), "lora_B holds NaN"),
    "truncated": ("gqa-6-2-tied", TINY, truncate, "the last 100 bytes of the tensor file are missing"),
    "dora": ("gqa-6-2-tied", {**TINY, "use_dora": True}, None, "DoRA (use_dora, lora_magnitude_vector)"),
    "bias": ("gqa-6-2-tied", {**TINY, "bias": "lora_only"}, None, "bias is lora_only: the file replaces the base's biases"),
    "modules-to-save": (
        "f16-untied", {**TINY, "modules_to_save": ["lm_head"]}, None, "modules_to_save replaces lm_head",
    ),
    "embedding": (
        "gqa-6-2-tied", {"r": 1, "lora_alpha": 2, "target_modules": ["embed_tokens"]}, None, "LoRA on embed_tokens",
    ),
    "untrained": (
        "gqa-6-2-tied", TINY, put(f"{QUERY}.lora_B.weight", (96, 1), 0.0),
        "nothing: B is all zero, a valid adapter that never trained and changes nothing",
    ),
}  # fmt: skip


def make(model, model_folder, folder, case, changes):
    # In the file's dtype, which modules_to_save keeps; A and B are float32 all the same.
    network = named_base(model, model_folder).to(getattr(torch, model.dtype))
    wrapped = get_peft_model(network, lora_config(model, changes))
    fill_adapter(f"hostile/{case}", wrapped, 0.35)
    with torch.no_grad():
        for name, tensor in wrapped.named_parameters():
            if "lora_embedding" in name:
                tensor.copy_(torch.from_numpy(draw(f"hostile/{case}/{name}", tuple(tensor.shape), 0.1)))
    save_peft(wrapped, folder)


def write_hostile(models, root):
    """All hostile adapters under `root`/hostile. Returns their manifest entries."""
    entries = []
    for name, (model_name, changes, change_after, wrong) in CASES.items():
        folder = Path(root) / "hostile" / name
        shutil.rmtree(folder, ignore_errors=True)
        make(models[model_name], Path(root) / model_name / "model", folder, name, changes)
        if change_after is not None:
            change_after(folder)
        entries.append(
            {"name": name, "model": model_name, "folder": f"hostile/{name}", "valid": name == "untrained", "wrong": wrong}
        )
    return entries
