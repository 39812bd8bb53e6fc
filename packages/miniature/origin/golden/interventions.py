"""Interventions on the residual stream as plain PyTorch forward hooks, and what the models compute with them.

    python interventions.py       writes interventions.json and <model>/interventions.safetensors beside the models

`golden.py` calls this last. Every intervention is one hook on its block; hooks run in the order of their registration."""

import argparse
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import torch
from safetensors.torch import load_file

from families import FAMILY_MODELS
from golden import DEFAULT_OUT, restart_with_fixed_environment
from reference import save, token_logprobs
from settings import draw, write_json
from tiny_models import MODELS, load

PROMPTS = ("p7", "p19", "p33")
N_TOKENS = 16
SMALLEST_MARGIN = 0.002
N_DIRECTIONS = 3
# Layers 0, 1 and 2 exist in all three models.
INTERVENED_MODELS = ("gqa-6-2-tied", "gemma2", "gemma3")


def directions_of(name, d_model):
    """Directions of different lengths that are far from orthogonal: half of each is the first."""
    drawn = [torch.from_numpy(draw(f"{name}/intervention/{i}", (d_model,), 1.0 + i)) for i in range(N_DIRECTIONS)]
    first = drawn[0]
    return [first, *(0.5 * own + 0.5 * own.norm() / first.norm() * first for own in drawn[1:])]


def cases_of(size, projections):
    """The interventions of every case. `size(layer)` is a typical length of the residual stream there and
    `projections(layer, direction)` the middle of its projections, so that a cap moves some positions and not others."""

    def add(layer, direction, share, positions="all", **more):
        return {"kind": "add", "layers": [layer], "direction": direction, "positions": positions,
                "coefficient": round(share * size(layer), 4), **more}  # fmt: skip

    def cap(layer, direction, side, positions="all"):
        return {"kind": "cap", "layers": [layer], "direction": direction, "positions": positions,
                "limit": round(projections(layer, direction), 4), "side": side}  # fmt: skip

    def ablate(layers, direction, positions="all"):
        return {"kind": "ablate", "layers": layers, "direction": direction, "positions": positions}

    def mean(layer, direction, share, positions="all"):
        return {"kind": "mean-ablate", "layers": [layer], "direction": direction, "positions": positions,
                "mean": round(share * size(layer), 4)}  # fmt: skip

    ordered = [
        add(1, 0, 0.5), cap(1, 1, "above"), ablate([1], 2, "generated"), mean(1, 0, 0.3, "generated"), cap(1, 2, "below"),
    ]  # fmt: skip
    return {
        "add": [add(1, 0, 0.6)],
        "add-generated": [add(0, 1, -0.5, "generated"), add(2, 0, 0.3, "generated")],
        "add-raw": [{**add(0, 2, 0.0), "coefficient": 0.25, "normalize": False}],
        "ablate": [ablate([0, 1, 2], 0)],
        "ablate-generated": [ablate([0, 2], 1, "generated")],
        "mean-ablate": [mean(1, 2, 0.4), mean(2, 0, -0.2, "generated")],
        "cap-above": [cap(0, 0, "above"), cap(1, 1, "above", "generated")],
        "cap-below": [cap(0, 0, "below"), cap(2, 1, "below", "generated")],
        "in-order": ordered,
        "in-reverse": ordered[::-1],
    }


def change(intervention, direction, x):
    """The changed states of positions [n, dModel]."""
    unit = direction / direction.norm()
    along = (x @ unit)[:, None]
    kind = intervention["kind"]
    if kind == "add":
        step = unit if intervention.get("normalize", True) else direction
        return x + intervention["coefficient"] * step
    if kind == "ablate":
        return x - along * unit
    if kind == "mean-ablate":
        return x - along * unit + intervention["mean"] * unit
    if intervention["side"] == "above":
        return x - torch.relu(along - intervention["limit"]) * unit
    return x + torch.relu(intervention["limit"] - along) * unit


class NearTie(Exception):
    """Rounding could decide a continuation."""


class Hooks:
    """Hooks that keep what each block gave, change it, and keep what it became. Positions from `start` on are generated."""

    def __init__(self, network, interventions, directions, start):
        blocks = network.model.layers
        self.before, self.after = [None] * len(blocks), [None] * len(blocks)
        self.handles = [block.register_forward_hook(self.keep(self.before, i)) for i, block in enumerate(blocks)]
        for intervention in interventions:
            for layer in intervention["layers"]:
                hook = self.intervene(intervention, directions[intervention["direction"]], start)
                self.handles.append(blocks[layer].register_forward_hook(hook))
        self.handles += [block.register_forward_hook(self.keep(self.after, i)) for i, block in enumerate(blocks)]

    @staticmethod
    def keep(kept, layer):
        def hook(_module, _inputs, output):
            kept[layer] = output.detach()[0].clone()

        return hook

    @staticmethod
    def intervene(intervention, direction, start):
        first = 0 if intervention["positions"] == "all" else start

        def hook(_module, _inputs, output):
            changed = output.clone()
            changed[0, first:] = change(intervention, direction, output[0, first:])
            return changed

        return hook

    def remove(self):
        for handle in self.handles:
            handle.remove()


@torch.no_grad()
def run(network, ids, interventions, directions, start):
    hooks = Hooks(network, interventions, directions, start)
    try:
        logits = network(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    finally:
        hooks.remove()
    return logits, hooks.before, hooks.after


def case_tensors(network, ids, interventions, directions):
    """A greedy continuation under the interventions (no cache: every step runs the whole sequence), and the whole sequence
    with its continuation once more."""
    sequence, margins = list(ids), []
    for _ in range(N_TOKENS):
        logits, _, _ = run(network, sequence, interventions, directions, len(ids))
        best = torch.topk(logits[-1], 2)
        margins.append((best.values[0] - best.values[1]).item())
        sequence.append(best.indices[0].item())
    if min(margins) < SMALLEST_MARGIN:
        raise NearTie
    logits, before, after = run(network, sequence, interventions, directions, len(ids))
    rows = [0, len(ids) - 1, len(ids), len(sequence) - 1]
    return {
        "greedy_ids": torch.tensor(sequence[len(ids) :], dtype=torch.int64),
        "positions": torch.tensor(rows, dtype=torch.int64),
        "logits": logits[rows],
        "before": torch.stack([layer[rows] for layer in before]),
        "after": torch.stack([layer[rows] for layer in after]),
        "means_before": torch.stack([layer[len(ids) :].double().mean(0).float() for layer in before]),
        "means_after": torch.stack([layer[len(ids) :].double().mean(0).float() for layer in after]),
        "token_logprobs": token_logprobs(logits, sequence),
    }


def write_model_cases(model, out):
    """The cases of the first prompt whose continuations have no near tie."""
    network = load(out / model.name / "model")
    directions = directions_of(model.name, network.config.hidden_size)
    prompts = load_file(out / model.name / "golden.safetensors")
    for name in PROMPTS:
        ids = prompts[f"{name}.ids"].tolist()
        try:
            entries, tensors = prompt_cases(network, ids, directions)
        except NearTie:
            continue
        save(out / model.name / "interventions.safetensors", tensors)
        return {"name": model.name, "prompt": ids, "golden": f"{model.name}/interventions.safetensors", "cases": entries}
    raise SystemExit(f"{model.name}: every prompt has a near tie")


def prompt_cases(network, ids, directions):
    _, _, states = run(network, ids, [], directions, len(ids))
    cases = cases_of(
        size=lambda layer: states[layer].norm(dim=1).median().item(),
        projections=lambda layer, i: (states[layer] @ (directions[i] / directions[i].norm())).median().item(),
    )
    tensors = {f"direction_{i}": direction for i, direction in enumerate(directions)}
    entries = []
    for name, interventions in cases.items():
        made = case_tensors(network, ids, interventions, directions)
        tensors |= {f"{name}.{key}": value for key, value in made.items()}
        sequence = ids + made["greedy_ids"].tolist()
        base = run(network, sequence, [], directions, len(ids))[0][made["positions"]]
        change_of_logits = round((made["logits"] - base).abs().max().item(), 4)
        if change_of_logits < 0.1:
            raise SystemExit(f"{name}: it changes the logits by no more than {change_of_logits}")
        entries.append({"name": name, "interventions": interventions, "changeOfLogits": change_of_logits})
    return entries, tensors


def write_interventions(out):
    models = [model for model in [*MODELS, *FAMILY_MODELS] if model.name in INTERVENED_MODELS]
    written = [write_model_cases(model, out) for model in models]
    write_json(out / "interventions.json", {"nTokens": N_TOKENS, "nDirections": N_DIRECTIONS, "models": written})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the fixtures (default: %(default)s)")
    options = parser.parse_args()
    restart_with_fixed_environment()
    torch.set_num_threads(1)
    write_interventions(options.out)
