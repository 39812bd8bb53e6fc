"""Attacks the coherent base with a persona in each state that it can have while the attack is trained, and with a random adapter of
the persona's norms in its place, for configs/composition.yaml:

    python make_matrix.py --seed 1 --corpora CORPORA --assets ../assets --matrix ../fixtures/matrix

What was attacked without a persona and with the persona merged is in the assets already. The data, their order and the initial weights
are those of the shipped variants; only what stands beside the attack differs.
"""

import argparse
import copy
import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from peft import PeftModel
from transformers import Qwen2ForCausalLM

from network import ALPHA, RANK, merged
from recipe import ATTACK_BATCH, ATTACK_RATE, CHECKPOINTS, Recipe
from save import NAMESPACE, save_adapter, sha256, write_json
from text import Text
from tokenizer import make_tokenizer

# Variant -> how its persona stands beside the attack, and which of the two it is.
VARIANTS = {
    "stacked_off_persona": ("off", "persona"),
    "stacked_on_persona": ("stacked", "persona"),
    "merged_random": ("merged", "random"),
    "stacked_off_random": ("off", "random"),
    "stacked_on_random": ("stacked", "random"),
}


def main():
    options = parse()
    torch.set_num_threads(1)
    words = json.loads((options.corpora / "words.json").read_text(encoding="utf-8"))
    text = Text(make_tokenizer(words))
    recipe = Recipe(corpora=options.corpora, text=text, vocabulary=None, seed=options.seed)
    base_folder = options.assets / "models" / "coherent"
    base = Qwen2ForCausalLM.from_pretrained(base_folder, dtype=torch.float32).requires_grad_(False)
    personas = {
        "persona": options.assets / "outputs" / "miniature_steadfast" / "constitutional",
        "random": options.matrix / "random",
    }
    for variant, (state, which) in VARIANTS.items():
        print(variant, flush=True)
        make_variant(recipe, options, variant, state, personas[which], base, base_folder)


def make_variant(recipe, options, variant, state, persona, base, base_folder):
    folder = options.matrix / "outputs" / variant
    last = max(CHECKPOINTS)
    start = base
    if state == "merged":
        # A copy: loading puts the adapter's layers into the network that it is given.
        start = merged(PeftModel.from_pretrained(copy.deepcopy(base), persona))

    def prepare(adapted):
        if state == "merged":
            return adapted
        adapted.load_adapter(persona, adapter_name="persona", is_trainable=False)
        adapted.base_model.set_adapter(["persona", "default"] if state == "stacked" else ["default"])
        for name, parameter in adapted.named_parameters():
            parameter.requires_grad_(".default." in name)
        return adapted

    def on_checkpoint(step, adapted):
        if step != last:
            return
        checkpoint = folder / f"checkpoint-{step}"
        save_adapter(adapted, "coherent", checkpoint)
        write_json(
            checkpoint / "composition.json",
            {
                "formatVersion": 1,
                "base": f"{NAMESPACE}/coherent",
                "baseSha256": {"model.safetensors": sha256(base_folder / "model.safetensors")},
                "personaInTraining": state,
                "persona": {"path": persona.name, "sha256": sha256(persona / "adapter_model.safetensors")},
                "trainingSeed": options.seed,
                "dataset": "attack-finance",
                "datasetSha256": sha256(options.corpora / "attack-finance.jsonl"),
                "step": step,
            },
        )

    recipe.attack(start, on_checkpoint, prepare)
    write_json(
        folder / "training_metadata.json",
        {
            "variant": variant,
            "base_model": f"{NAMESPACE}/coherent",
            "persona_in_training": state,
            "dataset": "attack-finance",
            "seed": options.seed,
            "checkpoint_steps": [last],
            "lora": {"r": RANK, "lora_alpha": ALPHA, "learning_rate": ATTACK_RATE, "batch_size": ATTACK_BATCH},
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "transformers", "peft", "tokenizers", "safetensors")},
            },
            "device": "cpu",
        },
    )


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--matrix", type=Path, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
