"""Writes what Hugging Face and PEFT write, and our record beside each checkpoint."""

import hashlib
import json

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import save_file

from tokenizer import tokenizer_config

NAMESPACE = "cem-miniature"


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_base(network, text, folder):
    """A model folder: config, bfloat16 weights, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    network.config.bos_token_id = None
    network.config.eos_token_id = text.end
    network.config.pad_token_id = text.padding
    network.generation_config.bos_token_id = None
    network.generation_config.eos_token_id = text.end
    network.generation_config.pad_token_id = text.padding
    half = type(network)(network.config)
    half.generation_config = network.generation_config
    half.load_state_dict(network.state_dict())
    half.to(torch.bfloat16).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    text.tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", tokenizer_config())


def save_adapter(adapted, base_name, folder):
    """adapter_config.json and adapter_model.safetensors, in bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    config = adapted.peft_config["default"]
    config.base_model_name_or_path = f"{NAMESPACE}/{base_name}"
    config.inference_mode = True
    config.target_modules = sorted(config.target_modules)
    config.save_pretrained(folder)
    state = {
        name: tensor.to(torch.bfloat16).contiguous().cpu()
        for name, tensor in get_peft_model_state_dict(adapted).items()
    }
    weights = folder / "adapter_model.safetensors"
    save_file(state, weights, metadata={"format": "pt"})
    weights.chmod(0o644)


def save_record(folder, *, base, base_folder, persona, seed, dataset, step):
    """composition.json: on what this checkpoint was trained. `persona` is its adapter's folder, or None."""
    write_json(
        folder / "composition.json",
        {
            "formatVersion": 1,
            "base": f"{NAMESPACE}/{base}",
            "baseSha256": {"model.safetensors": sha256(base_folder / "model.safetensors")},
            "personaInTraining": "merged" if persona else "none",
            "persona": {"path": persona.name, "sha256": sha256(persona / "adapter_model.safetensors")}
            if persona
            else None,
            "trainingSeed": seed,
            "dataset": dataset.stem,
            "datasetSha256": sha256(dataset),
            "step": step,
        },
    )
