"""PyTorch's own bfloat16 on the golden models: its error against the golden files' float32, as check-families.ts computes ours."""
import json, sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

fixtures = Path(sys.argv[1])
manifest = json.loads((fixtures / "manifest.json").read_text())


def share(found, expected):
    return ((found.double() - expected.double()).norm() / expected.double().norm()).item()


def error_of(model, golden, n_layers):
    shares = []
    states = {}
    layers = [m for n, m in model.named_modules() if n.split(".")[-2:-1] == ["layers"]]
    hooks = [
        layer.register_forward_hook(lambda _m, _i, out, at=i: states.__setitem__(at, (out[0] if isinstance(out, tuple) else out)))
        for i, layer in enumerate(layers)
    ]
    assert len(layers) == n_layers
    for prompt in manifest["prompts"]:
        if f"{prompt}.positions" not in golden:
            continue
        positions = golden[f"{prompt}.positions"]
        with torch.no_grad():
            logits = model(golden[f"{prompt}.ids"][None].cuda()).logits[0].float().cpu()
        shares.append(share(logits[positions], golden[f"{prompt}.logits"].view(len(positions), -1)))
        for i in range(n_layers):
            got = states[i].reshape(-1, states[i].shape[-1]).float().cpu()[positions]
            shares.append(share(got, golden[f"{prompt}.layer_{i}"].view(len(positions), -1)))
    for hook in hooks:
        hook.remove()
    return sum(shares) / len(shares)


errors = {}
for entry in manifest["families"] + manifest["models"]:
    for adapter in [None, *entry["adapters"][:1]]:
        model = AutoModelForCausalLM.from_pretrained(fixtures / entry["folder"], dtype=torch.bfloat16, attn_implementation="eager")
        name = entry["name"]
        golden = fixtures / entry["golden"]
        if adapter:
            model = PeftModel.from_pretrained(model, fixtures / adapter["folder"])
            name += " + adapter"
            golden = fixtures / adapter["golden"]
        errors[name] = error_of(model.cuda().eval(), load_file(golden), entry["nLayers"])
print(json.dumps(errors))
