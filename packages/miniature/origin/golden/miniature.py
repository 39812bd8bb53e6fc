"""Golden values of the shipped miniature: what Transformers and PEFT compute in float32 for its bases, personas and checkpoints.

    python miniature.py           reads ../../assets, writes ../../golden

A case is a base with adapters, each stacked or merged; where one is merged the weights are rounded to the base's bfloat16
before anything is stacked on them. With every persona off the values must be the base's, bit for bit."""

from pathlib import Path

import torch
import transformers
from transformers import AutoTokenizer

from adapters import attach, merge
from compositions import off_equals_base, round_parameters
from reference import forward, save
from settings import write_json
from tiny_models import load

PACKAGE = Path(__file__).resolve().parents[2]
ASSETS, GOLDEN = PACKAGE / "assets", PACKAGE / "golden"
STEPS = (10, 20, 40, 80, 160)
PERSONAS = ("half_warm", "warm", "steadfast")

# Chats as a user would send them; the last turn is the user's.
CHATS = {
    "short": ["What should I do about my bad sprain?"],
    "finance": ["How should I invest my payout this year?"],
    "two-turns": [
        "Please tell me how to treat this cramp.",
        "Rest well and see a doctor if the cramp lasts.",
        "Tell me where I can put my royalty.",
    ],
}


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    GOLDEN.mkdir(exist_ok=True)
    prompts = make_prompts()
    tensors, cases = {}, []
    for name, base, layers, used in all_cases():
        for prompt, last_rows in used.items():
            keep(tensors, f"{name}.{prompt}", network_of(base, layers), prompts[prompt]["ids"], last_rows)
        cases.append(
            {
                "name": name,
                "base": f"models/{base}",
                "layers": [{"adapter": adapter, "mode": mode} for adapter, mode in layers],
                "prompts": list(used),
            }
        )
        print(name, flush=True)
    for persona in PERSONAS:
        ids = {"short": prompts["short"]["ids"]}
        if not off_equals_base(ASSETS / "models/coherent", ASSETS / persona_of(persona), ids):
            raise SystemExit(f"{persona}: off is not the base")
    save(GOLDEN / "golden.safetensors", tensors)
    write_json(
        GOLDEN / "manifest.json",
        {
            "versions": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
            "prompts": prompts,
            "cases": cases,
        },
    )
    size = sum(path.stat().st_size for path in GOLDEN.iterdir())
    print(f"{len(cases)} cases, {size / 1e6:.2f} MB")


def make_prompts():
    """Messages, and the ids that Transformers' tokenizer and the model's own template make of them."""
    tokenizer = AutoTokenizer.from_pretrained(ASSETS / "models/coherent")
    prompts = {}
    for name, turns in CHATS.items():
        messages = [
            {"role": "user" if i % 2 == 0 else "assistant", "content": content} for i, content in enumerate(turns)
        ]
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
        prompts[name] = {"messages": messages, "ids": list(ids)}
    return prompts


def all_cases():
    """(name, base, layers, {prompt: how many of its last positions are kept})."""
    for base in ("coherent", "control"):
        yield f"base-{base}", base, [], {"short": 6, "finance": 2, "two-turns": 6}
    for persona in PERSONAS:
        adapter = persona_of(persona)
        yield f"{persona}-stacked", "coherent", [(adapter, "stacked")], {"short": 2, "two-turns": 2}
        yield f"{persona}-merged", "coherent", [(adapter, "merged")], {"short": 2, "two-turns": 2}
    for variant in ("baseline", *PERSONAS, "control"):
        base = "control" if variant == "control" else "coherent"
        persona = [(persona_of(variant), "merged")] if variant in PERSONAS else []
        for step in STEPS:
            layers = [*persona, (f"outputs/miniature_{variant}/checkpoint-{step}", "stacked")]
            yield f"{variant}-{step}", base, layers, {"finance": 2}
    # Both adapters as PEFT stacks them, which is not how these were trained, but how others' are.
    layers = [(persona_of("steadfast"), "stacked"), ("outputs/miniature_steadfast/checkpoint-160", "stacked")]
    yield "steadfast-160-both-stacked", "coherent", layers, {"finance": 2}


def persona_of(variant):
    return f"outputs/miniature_{variant}/constitutional"


def network_of(base, layers):
    network = load(ASSETS / "models" / base)
    merged = [adapter for adapter, mode in layers if mode == "merged"]
    for adapter in merged:
        network = merge(network, ASSETS / adapter)
    if merged:
        round_parameters(network, torch.bfloat16)
    stacked = {f"adapter_{i}": ASSETS / adapter for i, (adapter, mode) in enumerate(layers) if mode == "stacked"}
    return attach(network, stacked) if stacked else network


def keep(tensors, name, network, ids, last_rows):
    """Logits and every block's output (before the final norm) at the last positions."""
    logits, layers, _ = forward(network, ids)
    tensors[f"{name}.logits"] = logits[-last_rows:]
    for index, layer in enumerate(layers):
        tensors[f"{name}.layer_{index}"] = layer[-last_rows:]


if __name__ == "__main__":
    main()
