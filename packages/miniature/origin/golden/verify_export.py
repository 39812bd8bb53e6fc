"""Holds an exported model folder against Transformers and PEFT.

    python verify_export.py EXPORTED BASE ADAPTER[=WEIGHT]...

Loads EXPORTED with Transformers in float32 and compares its logits with those of BASE with the adapters merged by PEFT in float32,
each rounded to the type of EXPORTED's weights. Checks that every other tensor has the bytes of the base's."""

import sys
from pathlib import Path

import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPT = "The harbour master counts the boats twice, once for the tide and once for the log."


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def stored(folder):
    """Tensor name -> (type, tensor as it is stored)."""
    tensors = {}
    for path in sorted(Path(folder).glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            tensors.update({name: file.get_tensor(name) for name in file.keys()})
    return tensors


@torch.no_grad()
def merged(base, adapters, dtype):
    from adapters import lora_layers

    network = load(base)
    for folder, weight in adapters:
        wrapped = PeftModel.from_pretrained(network, folder)
        for layer in lora_layers(wrapped).values():
            layer.scaling["default"] *= weight
        network = wrapped.merge_and_unload().eval()
        for parameter in network.parameters():
            parameter.copy_(parameter.to(dtype))
    return network


@torch.no_grad()
def main(exported, base, *adapters):
    pairs = [(a.split("=")[0], float(a.split("=")[1]) if "=" in a else 1.0) for a in adapters]
    before, after = stored(base), stored(exported)
    if list(before) != list(after):
        raise SystemExit("the tensors' names differ")
    dtype = next(iter(after.values())).dtype
    network = load(exported)
    reference = merged(base, pairs, dtype)
    ids = AutoTokenizer.from_pretrained(exported)(PROMPT, return_tensors="pt").input_ids
    expected, found = reference(ids).logits, network(ids).logits
    error = ((found - expected).abs().max() / expected.abs().max()).item()
    effect = ((load(base)(ids).logits - expected).abs().max() / expected.abs().max()).item()
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    weights = dict(reference.named_parameters())
    unequal = sum(int((after[name].float() != weights[name]).sum()) for name in changed)
    total = sum(after[name].numel() for name in changed)
    print(f"{exported}: {len(changed)} of {len(before)} tensors changed, {dtype}")
    print(f"logits differ from PEFT's merge by {error:.1e} of the largest; the merge itself moves them by {effect:.1e}")
    print(f"{unequal} of {total} numbers of changed tensors differ from PEFT's")
    if not error <= 1e-5:
        raise SystemExit("the exported model is not what PEFT merges")


if __name__ == "__main__":
    main(*sys.argv[1:])
