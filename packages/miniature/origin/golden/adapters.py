"""LoRA adapters saved by PEFT, with B made nonzero, and the compositions whose golden values are computed."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer

from settings import draw
from tiny_models import load

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
ALL_LINEAR = [*ATTENTION, "gate_proj", "up_proj", "down_proj"]


@dataclass
class Adapter:
    name: str
    note: str
    config: dict
    dtype: str = "float32"
    # Size of an adapter's output relative to that of the weight it sits on (about 1).
    strength: float = 0.35
    seed_suffix: str = ""
    module_scales: dict = field(default_factory=dict)


def plain(**changes):
    return {"r": 4, "lora_alpha": 8, "target_modules": ALL_LINEAR, **changes}


ADAPTERS = {
    "gqa-6-2-tied": [
        Adapter("plain", "r 4, alpha 8 on all seven linear modules", plain()),
        Adapter(
            "rslora",
            "rank-stabilised (scale alpha / sqrt(r)), r 8, alpha 16",
            {"r": 8, "lora_alpha": 16, "use_rslora": True, "target_modules": ["q_proj", "v_proj", "down_proj"]},
        ),
        Adapter(
            "patterns",
            "rank_pattern and alpha_pattern; the keys are a suffix, a full path, an anchored path and regular expressions",
            {
                "r": 2,
                "lora_alpha": 4,
                "target_modules": ["q_proj", "v_proj", "o_proj", "up_proj"],
                "rank_pattern": {
                    "o_proj": 1,
                    "model.layers.1.self_attn.q_proj": 5,
                    r"layers\.[02]\.self_attn\.v_proj": 3,
                },
                "alpha_pattern": {"up_proj": 6, r"^model\.layers\.0\.self_attn\.(q|v)_proj": 10},
            },
        ),
        Adapter(
            "patterns-rslora",
            "rank_pattern and alpha_pattern with use_rslora: each module's scale uses its own rank and alpha",
            {
                "r": 4,
                "lora_alpha": 6,
                "use_rslora": True,
                "target_modules": ["k_proj", "gate_proj"],
                "rank_pattern": {r"model\.layers\.\d\.self_attn\.k_proj": 2},
                "alpha_pattern": {"layers.2.mlp.gate_proj": 3},
            },
        ),
        Adapter(
            "regex-targets",
            "target_modules is a regular expression that takes different modules in different layers",
            {
                "r": 3,
                "lora_alpha": 6,
                "target_modules": r"model\.layers\.([02]\.self_attn\.[qv]_proj|1\.mlp\.(gate|down)_proj)",
            },
        ),
        Adapter(
            "some-layers",
            "layers_to_transform: layers 0 and 2 only",
            {"r": 2, "lora_alpha": 4, "target_modules": ["k_proj", "gate_proj"], "layers_to_transform": [0, 2]},
        ),
        Adapter(
            "rank-one",
            "rank 1 on the down_proj of the middle layer, alpha 256",
            {"r": 1, "lora_alpha": 256, "target_modules": ["down_proj"], "layers_to_transform": [1]},
        ),
        Adapter(
            "stored-bf16",
            "tensors stored as BF16; the golden values use them widened to float32",
            {"r": 2, "lora_alpha": 4, "target_modules": ALL_LINEAR},
            dtype="bfloat16",
        ),
    ],
    "gqa-4-1-untied": [
        Adapter("plain", "r 2, alpha 4 on all seven linear modules", plain(r=2, lora_alpha=4)),
        Adapter(
            "rank-one",
            "rank 1 on the down_proj of the last layer, alpha 256",
            {"r": 1, "lora_alpha": 256, "target_modules": ["down_proj"], "layers_to_transform": [1]},
        ),
    ],
    "bf16-tied": [
        Adapter(
            "plain",
            "r 2, alpha 4 on q_proj and v_proj, float32 on a base stored as BF16",
            plain(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"]),
        ),
        Adapter(
            "stored-bf16",
            "BF16 adapter on a BF16 base",
            {"r": 2, "lora_alpha": 4, "target_modules": ["k_proj", "o_proj", "up_proj"]},
            dtype="bfloat16",
        ),
    ],
}


def named_base(model, model_folder):
    """The base under its repository's name: PEFT writes that name into adapter_config.json."""
    network = load(model_folder)
    network.name_or_path = model.repository
    return network


def lora_config(model, changes):
    settings = {"task_type": "CAUSAL_LM", "lora_dropout": 0.0, "bias": "none", **changes}
    return LoraConfig(base_model_name_or_path=model.repository, **settings)


def lora_layers(network):
    """Module path in the base model -> PEFT's LoRA layer."""
    base = network.get_base_model()
    return {path: module for path, module in base.named_modules() if isinstance(module, LoraLayer)}


@torch.no_grad()
def fill_adapter(label, network, strength):
    """Random A and B such that scale * B A x is about `strength` for an x of unit-size entries."""
    for path, layer in lora_layers(network).items():
        for adapter, a in layer.lora_A.items():
            rank, fan_in = a.weight.shape
            b = layer.lora_B[adapter]
            b_std = strength / (layer.scaling[adapter] * rank**0.5)
            a.weight.copy_(torch.from_numpy(draw(f"{label}/{path}/A", (rank, fan_in), fan_in**-0.5)))
            b.weight.copy_(torch.from_numpy(draw(f"{label}/{path}/B", tuple(b.weight.shape), b_std)))


def save_peft(network, folder):
    """PEFT's own save, without the model card that it adds."""
    network.save_pretrained(str(folder), save_embedding_layers=False)
    (Path(folder) / "README.md").unlink(missing_ok=True)


def write_adapter(model, model_folder, adapter, folder):
    """Make, fill and save one adapter. Returns what PEFT made of the configuration: rank and scale of each module."""
    network = get_peft_model(named_base(model, model_folder), lora_config(model, adapter.config))
    fill_adapter(f"{model.name}/{adapter.name}{adapter.seed_suffix}", network, adapter.strength)
    scales = {
        path: {"rank": layer.r["default"], "scale": layer.scaling["default"]}
        for path, layer in lora_layers(network).items()
    }
    if adapter.dtype != "float32":
        for layer in lora_layers(network).values():
            layer.lora_A.to(getattr(torch, adapter.dtype))
            layer.lora_B.to(getattr(torch, adapter.dtype))
    shutil.rmtree(folder, ignore_errors=True)
    save_peft(network, folder)
    return scales


def attach(network, folders):
    """Adapters of `folders` (name -> folder), all active at once; the weights get the sum of their changes."""
    names = list(folders)
    wrapped = PeftModel.from_pretrained(network, folders[names[0]], adapter_name=names[0])
    for name in names[1:]:
        wrapped.load_adapter(folders[name], adapter_name=name)
    wrapped.base_model.set_adapter(names)
    return wrapped.eval()


def merge(network, folder):
    """The network with W + scale * B A in place of W, computed in float32 by PEFT."""
    return PeftModel.from_pretrained(network, folder).merge_and_unload().eval()
