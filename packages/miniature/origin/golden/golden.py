"""Make the golden fixtures of @cem/inference: tiny random models, adapters and what Transformers and PEFT compute.

    python golden.py              writes the fixtures (see --out)
    python golden.py --verify     checks the files that are there with an independent forward pass in numpy

The files are the same byte for byte on every run with the versions of requirements.txt on one kind of processor; on
another one the last bits of the float32 values may differ."""

import argparse
import os
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
DEFAULT_OUT = Path(__file__).resolve().parents[3] / "inference" / "fixtures"
ENVIRONMENT = {
    # PEFT writes sets as lists in the order of their hashes.
    "PYTHONHASHSEED": "0",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "PYTHONWARNINGS": "ignore::FutureWarning",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def restart_with_fixed_environment():
    """The hash seed and thread counts are read at start only."""
    if any(os.environ.get(key) != value for key, value in ENVIRONMENT.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ENVIRONMENT})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the fixtures (default: %(default)s)")
    parser.add_argument("--verify", action="store_true", help="check the files of --out and write nothing")
    options = parser.parse_args()
    if options.verify:
        from verify import verify

        verify(options.out)
        return
    restart_with_fixed_environment()
    write_fixtures(options.out)


def write_fixtures(out):
    import peft
    import tokenizers
    import torch
    import transformers

    from families import FAMILY_MODELS, write_family_model
    from hostile import write_hostile
    from interventions import write_interventions
    from reference import PROMPT_LENGTHS
    from settings import GREEDY_LENGTH, SEED, write_json
    from tiny_models import MODELS
    from truncation import write_truncation

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    transformers.utils.logging.disable_progress_bar()
    out.mkdir(parents=True, exist_ok=True)
    for name in [*(model.name for model in MODELS), "hostile"]:
        shutil.rmtree(out / name, ignore_errors=True)
    manifest = {
        "seed": SEED,
        "versions": {
            "torch": torch.__version__.split("+")[0],
            "transformers": transformers.__version__,
            "peft": peft.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "greedyLength": GREEDY_LENGTH,
        "prompts": {f"p{n}": n for n in PROMPT_LENGTHS},
        "models": [write_one_model(model, out) for model in MODELS],
        "hostile": write_hostile({model.name: model for model in MODELS}, out),
        "families": [write_family_model(model, out) for model in FAMILY_MODELS],
    }
    write_json(out / "manifest.json", manifest)
    write_interventions(out)
    write_truncation(out)
    for path in out.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    print(f"{out}: {size / 1e6:.2f} MB")


def write_one_model(model, out):
    """Everything of one model. Returns its entry in the manifest."""
    from adapters import ADAPTERS
    from compositions import COMPOSITIONS
    from reference import BASE_POSITIONS, EVERY_POSITION, check_greedy, golden, make_prompts, save, summary
    from text_cases import write_text_cases
    from tiny_models import load, write_model

    folder = out / model.name
    write_model(model, folder / "model")
    write_text_cases(model, folder)
    network, prompts = load(folder / "model"), make_prompts(model)
    positions = EVERY_POSITION if model.name == "gqa-6-2-tied" else BASE_POSITIONS
    base = golden(network, prompts, positions, with_means=True)
    check_greedy(network, base, prompts)
    check_ids(model, base)
    save(folder / "golden.safetensors", base)
    print(model.name, summary(base))
    return {
        **describe(model),
        "golden": f"{model.name}/golden.safetensors",
        "figures": summary(base),
        "adapters": [write_one_adapter(model, adapter, folder, base, prompts) for adapter in ADAPTERS.get(model.name, [])],
        "compositions": [
            write_one_composition(model, name, layers, folder, base, prompts)
            for name, layers in COMPOSITIONS.get(model.name, [])
        ],
    }


def describe(model):
    return {
        "name": model.name,
        "repository": model.repository,
        "folder": f"{model.name}/model",
        "dtype": model.dtype,
        "configLayout": model.config_layout,
        "tokenizerLayout": "transformers-4" if model.tokenizer_form == "transformers-4" else "transformers-5",
        "chatTemplateIn": "chat_template.jinja" if model.tokenizer_form == "file" else "tokenizer_config.json",
        "tokenizerCases": f"{model.name}/tokenizer-cases.json" if "tokenizer" in model.text_cases else None,
        "chatCases": f"{model.name}/chat-cases.json" if "chat" in model.text_cases else None,
        "nLayers": model.n_layers,
        "dModel": model.d_model,
        "nHeads": model.n_heads,
        "nKvHeads": model.n_kv_heads,
        "headDim": model.head_dim,
        "intermediateSize": model.intermediate,
        "vocabSize": model.vocab_size,
        "tokenizerSize": model.tokenizer_size,
        "tied": model.tied,
        "ropeTheta": model.rope_theta,
        "rmsNormEps": model.rms_norm_eps,
    }


def check_ids(model, tensors):
    """Continuations must stay inside the tokenizer's ids, as an engine that masks the others would."""
    for name, value in tensors.items():
        if name.endswith(".greedy_ids") and value.max().item() >= model.tokenizer_size:
            raise SystemExit(f"{model.name} {name}: an id that the tokenizer lacks")


def change_of_logits(base, tensors):
    """Largest absolute difference from the base's logits, over the rows that both files hold."""
    largest = 0.0
    for name, logits in tensors.items():
        if not name.endswith(".logits"):
            continue
        prompt = name.removesuffix(".logits")
        rows = base[f"{prompt}.positions"].tolist()
        wanted = [rows.index(row) for row in tensors[f"{prompt}.positions"].tolist()]
        largest = max(largest, (logits - base[name][wanted]).abs().max().item())
    return round(largest, 4)


def write_one_adapter(model, adapter, folder, base, prompts):
    from adapters import attach, write_adapter
    from compositions import COMPOSITIONS, near_ties, off_equals_base
    from reference import FEW_POSITIONS, golden, save, summary
    from tiny_models import load

    target = folder / "adapters" / adapter.name
    scales = write_adapter(model, folder / "model", adapter, target)
    rounded = model.dtype != "float32" and any(
        (adapter.name, "merged") in layers for _, layers in COMPOSITIONS.get(model.name, [])
    )
    # Of the random adapters, take the first whose rounded merge cannot depend on the order of the operations.
    for attempt in range(1, 200):
        if not rounded or near_ties(folder / "model", target) == 0:
            break
        adapter.seed_suffix = f"/{attempt}"
        scales = write_adapter(model, folder / "model", adapter, target)
    else:
        raise SystemExit(f"{model.name} {adapter.name}: every merge has a value near a tie")
    tensors = golden(attach(load(folder / "model"), {"default": target}), prompts, FEW_POSITIONS)
    check_ids(model, tensors)
    save(target / "golden.safetensors", tensors)
    change = change_of_logits(base, tensors)
    print(f"  {adapter.name}: logits change by up to {change}", summary(tensors))
    return {
        "name": adapter.name,
        "note": adapter.note,
        "folder": f"{model.name}/adapters/{adapter.name}",
        "golden": f"{model.name}/adapters/{adapter.name}/golden.safetensors",
        "dtype": adapter.dtype,
        "largestChangeOfLogits": change,
        "smallestGreedyMargin": summary(tensors)["smallestGreedyMargin"],
        "offEqualsBaseBitForBit": off_equals_base(folder / "model", target, prompts),
        "modules": scales,
    }


def write_one_composition(model, name, layers, folder, base, prompts):
    from compositions import changed_tensor_hashes, compose
    from reference import FEW_POSITIONS, golden, save, summary

    network = compose(model, folder / "model", lambda adapter: folder / "adapters" / adapter, layers)
    tensors = golden(network, prompts, FEW_POSITIONS)
    check_ids(model, tensors)
    (folder / "compositions").mkdir(exist_ok=True)
    save(folder / "compositions" / f"{name}.safetensors", tensors)
    change = change_of_logits(base, tensors)
    print(f"  {name}: logits change by up to {change}", summary(tensors))
    entry = {
        "name": name,
        "layers": [{"adapter": adapter, "mode": mode} for adapter, mode in layers],
        "golden": f"{model.name}/compositions/{name}.safetensors",
        "largestChangeOfLogits": change,
        "smallestGreedyMargin": summary(tensors)["smallestGreedyMargin"],
    }
    if model.dtype != "float32" and all(mode == "merged" for _, mode in layers):
        entry["mergedTensorSha256"] = changed_tensor_hashes(model, network, folder / "model")
    return entry


if __name__ == "__main__":
    main()
