"""More golden files of adapters: PEFT's rules for which modules an adapter sits on, weighted adapters, and adapters on other
families. They stand beside the fixtures that golden.py makes and need its models and adapters.

    python adapter_cases.py       writes fixtures/adapter-cases (see --fixtures)
"""

import argparse
import hashlib
import shutil
from pathlib import Path

from golden import DEFAULT_OUT, restart_with_fixed_environment

POSITIONS = {"p2": [1], "p7": [0, 6], "p19": [18], "p33": [32]}
# A continuation with a nearer tie could depend on the order of float32 additions.
SMALLEST_MARGIN = 5e-4


def adapter_cases():
    from adapters import ALL_LINEAR, Adapter

    return {
        "gqa-6-2-tied": [
            Adapter(
                "layers-pattern",
                "layers_to_transform is a number, layers_pattern a name",
                {
                    "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "up_proj"],
                    "layers_to_transform": 1, "layers_pattern": "layers",
                },
            ),
            Adapter(
                "layers-pattern-start",
                "layers_pattern is a list; one of its expressions matches from the start of the name",
                {
                    "r": 3, "lora_alpha": 6, "target_modules": ["o_proj", "gate_proj"],
                    "layers_to_transform": [0, 2], "layers_pattern": ["h", "model.layers"],
                },
            ),
            Adapter(
                "whole-path",
                "layers_to_transform does not hold for a module that target_modules names by its whole path",
                {
                    "r": 2, "lora_alpha": 4, "target_modules": ["model.layers.0.mlp.down_proj", "v_proj"],
                    "layers_to_transform": [2],
                },
            ),
            Adapter(
                "no-layers",
                "an empty layers_to_transform limits nothing",
                {"r": 2, "lora_alpha": 4, "target_modules": ["k_proj"], "layers_to_transform": []},
            ),
            Adapter(
                "excluded-names",
                "all-linear without modules that exclude_modules names, by a suffix and by a whole path",
                {
                    "r": 1, "lora_alpha": 2, "target_modules": "all-linear",
                    "exclude_modules": ["down_proj", "model.layers.1.self_attn.q_proj"],
                },
            ),
            Adapter(
                "excluded-expression",
                "exclude_modules is a regular expression",
                {
                    "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"],
                    "exclude_modules": r".*\.1\.self_attn\..*",
                },
            ),
            Adapter(
                "first-pattern-wins",
                "several keys of rank_pattern and alpha_pattern match a module: the first one holds",
                {
                    "r": 2, "lora_alpha": 4, "use_rslora": True, "target_modules": ["q_proj", "k_proj", "down_proj"],
                    # In the order of the file, which PEFT sorts by key and reads back in that order.
                    "rank_pattern": {"2.self_attn.q_proj": 4, "q_proj": 3, "self_attn.q_proj": 1},
                    "alpha_pattern": {"(q|k)_proj": 5, "k_proj": 7},
                },
            ),
        ],
        "llama-linear-biases": [
            Adapter(
                "plain",
                "r 2, alpha 4 on all seven linear modules, which have biases",
                {"r": 2, "lora_alpha": 4, "target_modules": ALL_LINEAR},
            ),
        ],
    }  # fmt: skip


# Model -> compositions: name and layers (adapter, mode, weight). The adapters are those of golden.py or of this file.
COMPOSITIONS = {
    "gqa-6-2-tied": [
        ("half", [("plain", "stacked", 0.5)]),
        ("minus", [("plain", "stacked", -0.75)]),
        ("two-weighted", [("plain", "stacked", 1.5), ("rslora", "stacked", 0.25)]),
        ("half-merged", [("plain", "merged", 0.5)]),
        ("minus-merged-and-stacked", [("plain", "merged", -0.5), ("rslora", "stacked", 2.0)]),
    ],
    "bf16-tied": [
        ("merged-twice", [("plain", "merged", 1.0), ("stored-bf16", "merged", 1.5)]),
        ("minus-merged", [("plain", "merged", -0.5)]),
    ],
    "llama-linear-biases": [
        ("merged", [("plain", "merged", 1.0)]),
        ("weighted", [("plain", "stacked", 0.7)]),
    ],
}


def read_prompts(path):
    """Prompt name -> ids, of a golden file."""
    from safetensors.torch import load_file

    tensors = load_file(str(path))
    return {name.removesuffix(".ids"): ids.tolist() for name, ids in tensors.items() if name.endswith(".ids")}


def weighted(network, layers):
    """All adapters active at once, the scale of each times its weight. PEFT's `add_weighted_adapter` is not used for it: it
    keeps `use_rslora` of the first adapter, and so multiplies by the root of the rank once more (`check_weighting`)."""
    from peft import PeftModel

    from adapters import lora_layers

    wrapped, names = None, [f"layer{index}" for index in range(len(layers))]
    for name, (folder, _) in zip(names, layers, strict=True):
        if wrapped is None:
            wrapped = PeftModel.from_pretrained(network, folder, adapter_name=name)
        else:
            wrapped.load_adapter(folder, adapter_name=name)
    for layer in lora_layers(wrapped).values():
        for name, (_, weight) in zip(names, layers, strict=True):
            if name in layer.scaling:
                layer.scaling[name] *= weight
    wrapped.base_model.set_adapter(names)
    return wrapped.eval()


def check_weighting(model_folder, folder, weight, prompts):
    """Where the adapter is no rank-stabilised one, PEFT's own weighting must say the same."""
    import torch
    from peft import PeftModel

    from reference import forward
    from tiny_models import load

    wrapped = PeftModel.from_pretrained(load(model_folder), folder, adapter_name="one")
    wrapped.base_model.add_weighted_adapter(["one"], [weight], "weighted", combination_type="cat")
    wrapped.base_model.set_adapter(["weighted"])
    ours = weighted(load(model_folder), [(folder, weight)])
    for ids in prompts.values():
        expected, found = forward(wrapped.eval(), ids)[0], forward(ours, ids)[0]
        if not torch.allclose(found, expected, rtol=0, atol=1e-5 * expected.abs().max().item()):
            raise SystemExit(f"{folder}: add_weighted_adapter gives other logits for the weight {weight}")


def compose(model, model_folder, find, layers):
    """Merged layers first, each rounded to the file's dtype before the next one; stacked ones on top."""
    import torch

    from compositions import round_parameters
    from tiny_models import load

    network = load(model_folder)
    for adapter, mode, weight in layers:
        if mode == "merged":
            network = weighted(network, [(find(adapter), weight)]).merge_and_unload().eval()
            if model.dtype != "float32":
                round_parameters(network, getattr(torch, model.dtype))
    stacked = [(find(adapter), weight) for adapter, mode, weight in layers if mode == "stacked"]
    return weighted(network, stacked) if stacked else network


def check_margin(name, tensors):
    from families import smallest_margin

    if smallest_margin(tensors) < SMALLEST_MARGIN:
        raise SystemExit(f"{name}: a continuation has a near tie")
    return tensors


def write_adapter_case(model, adapter, fixtures, out, prompts):
    """The first random adapter without a near tie, with its golden file."""
    from adapters import attach, write_adapter
    from compositions import off_equals_base
    from families import smallest_margin
    from reference import golden, save
    from tiny_models import load

    model_folder, target = fixtures / model.name / "model", out / model.name / "adapters" / adapter.name
    for attempt in range(50):
        adapter.seed_suffix = f"/{attempt}"
        modules = write_adapter(model, model_folder, adapter, target)
        tensors = golden(attach(load(model_folder), {"default": target}), prompts, POSITIONS)
        if smallest_margin(tensors) >= SMALLEST_MARGIN:
            break
    check_margin(adapter.name, tensors)
    save(target / "golden.safetensors", tensors)
    print(f"{model.name} {adapter.name}: {len(modules)} modules", flush=True)
    folder = f"adapter-cases/{model.name}/adapters/{adapter.name}"
    return {
        "name": adapter.name,
        "note": adapter.note,
        "folder": folder,
        "golden": f"{folder}/golden.safetensors",
        "offEqualsBaseBitForBit": off_equals_base(model_folder, target, prompts),
        "modules": modules,
    }


def write_composition(model, name, layers, find, fixtures, out, prompts):
    from reference import golden, save

    tensors = golden(compose(model, fixtures / model.name / "model", find, layers), prompts, POSITIONS)
    check_margin(name, tensors)
    (out / model.name / "compositions").mkdir(parents=True, exist_ok=True)
    save(out / model.name / "compositions" / f"{name}.safetensors", tensors)
    print(f"{model.name} {name}", flush=True)
    return {
        "name": name,
        "layers": [{"adapter": adapter, "mode": mode, "weight": weight} for adapter, mode, weight in layers],
        "golden": f"adapter-cases/{model.name}/compositions/{name}.safetensors",
    }


def write_cases(fixtures):
    import torch
    import transformers

    from families import FAMILY_MODELS
    from settings import SEED, read_json, write_json
    from tiny_models import MODELS

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    transformers.utils.logging.disable_progress_bar()
    out = fixtures / "adapter-cases"
    shutil.rmtree(out, ignore_errors=True)
    manifest = read_json(fixtures / "manifest.json")
    known = {entry["name"]: entry for entry in [*manifest["models"], *manifest["families"]]}
    models = {model.name: model for model in [*MODELS, *FAMILY_MODELS]}
    entries = []
    cases = adapter_cases()
    for name in dict.fromkeys([*cases, *COMPOSITIONS]):
        model = models[name]
        prompts = read_prompts(fixtures / known[name]["golden"])
        adapters = [write_adapter_case(model, adapter, fixtures, out, prompts) for adapter in cases.get(name, [])]
        folders = {adapter["name"]: fixtures / adapter["folder"] for adapter in [*known[name]["adapters"], *adapters]}
        for weight in (0.5, -0.75):
            check_weighting(fixtures / name / "model", folders["plain"], weight, prompts)
        compositions = [
            write_composition(model, composition, layers, folders.__getitem__, fixtures, out, prompts)
            for composition, layers in COMPOSITIONS.get(name, [])
        ]
        entries.append({"model": name, "adapters": adapters, "compositions": compositions})
    write_json(out / "manifest.json", {"models": entries, "digest": digest(out)})
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def digest(out):
    """SHA-256 over the files' hashes, to see whether another machine makes the same."""
    files = sorted(path for path in out.rglob("*") if path.is_file())
    lines = [f"{path.relative_to(out)} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fixtures", type=Path, default=DEFAULT_OUT, help="folder of the fixtures (default: %(default)s)")
    options = parser.parse_args()
    restart_with_fixed_environment()
    write_cases(options.fixtures)
