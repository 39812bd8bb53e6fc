"""The tiny random models of the other families, each with its settings switched on so that leaving one out shows."""

import shutil
import zlib
from dataclasses import dataclass, field

import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from adapters import ALL_LINEAR, ATTENTION, Adapter, attach, write_adapter
from compositions import off_equals_base
from reference import PROMPT_LENGTHS, check_greedy, forward, golden, save, summary
from settings import NAMESPACE, SEED, draw, read_json, write_json
from tiny_models import load
from tiny_tokenizer import chat_template, write_tokenizer

GREEDY_LENGTH = 64
# A continuation with a nearer tie could depend on the order of float32 additions.
SMALLEST_MARGIN = 2e-3
# A setting that changes no logit by this much would not be tested.
SMALLEST_CHANGE = 0.1
TOKENIZER_SIZE = 272
POSITIONS = {"p1": [0], "p2": [1], "p7": [0, 6], "p19": [18], "p33": [16, 32]}
ADAPTER_POSITIONS = {"p7": [6], "p19": [18], "p33": [32]}


@dataclass
class FamilyModel:
    name: str
    family: str
    # Changes of the shared sizes, as the family's config class calls them.
    config: dict
    # Settings that must matter: what to set instead, to see the logits change.
    without: dict
    dtype: str = "float32"
    config_layout: str = "transformers-5"
    # Keys that only Transformers 4 wrote, put into config.json beside the renamed ones.
    older_keys: dict = field(default_factory=dict)
    max_shard_size: str = "1GB"
    adapters: tuple = ()

    @property
    def repository(self):
        return f"{NAMESPACE}/{self.name}"

    @property
    def is_gemma(self):
        return self.family.startswith("gemma")


def rope(kind="default", theta=10000.0, **settings):
    return {"rope_type": kind, "rope_theta": theta, **settings}


PLAIN = rope()
ALL = Adapter("plain", "r 2, alpha 4 on all seven linear modules", {"r": 2, "lora_alpha": 4, "target_modules": ALL_LINEAR})
SOME = Adapter("attention", "r 3, alpha 6 on q, k, v and o", {"r": 3, "lora_alpha": 6, "target_modules": ATTENTION})
LOCAL, FULL = "sliding_attention", "full_attention"

FAMILY_MODELS = [
    FamilyModel(
        "qwen3", "qwen3", {"tie_word_embeddings": True}, {}, adapters=(ALL,),
    ),
    FamilyModel(
        "qwen3-yarn-window", "qwen3",
        {
            "attention_bias": True, "head_dim": 32, "num_attention_heads": 2, "num_key_value_heads": 1,
            "use_sliding_window": True, "sliding_window": 5, "max_window_layers": 1,
            "rope_parameters": rope("yarn", 100.0, factor=4.0, original_max_position_embeddings=16, beta_fast=2.0, beta_slow=0.5),
        },
        {"rope_parameters": rope(theta=100.0), "layer_types": [FULL, FULL]},
        dtype="bfloat16", config_layout="transformers-4",
    ),
    FamilyModel(
        "llama-llama3", "llama",
        {
            "tie_word_embeddings": True, "num_key_value_heads": 1,
            "rope_parameters": rope(
                "llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
            ),
        },
        {"rope_parameters": PLAIN},
        config_layout="transformers-4", max_shard_size="40KB", adapters=(ALL,),
    ),
    FamilyModel(
        "llama-linear-biases", "llama",
        {
            "attention_bias": True, "mlp_bias": True, "head_dim": 16, "num_attention_heads": 2, "num_key_value_heads": 2,
            "rope_parameters": rope("linear", factor=3.0),
        },
        {"rope_parameters": PLAIN},
        dtype="bfloat16",
    ),
    FamilyModel(
        "llama-dynamic", "llama",
        {
            "max_position_embeddings": 97, "rope_parameters": rope("dynamic", factor=4.0), "num_hidden_layers": 1,
            "tie_word_embeddings": True,
        },
        {},
        dtype="bfloat16", config_layout="transformers-4",
    ),
    FamilyModel(
        "mistral-window", "mistral", {"sliding_window": 5}, {"sliding_window": None},
        dtype="bfloat16", config_layout="transformers-4", adapters=(SOME,),
    ),
    FamilyModel(
        "mistral-yarn", "mistral",
        {
            "sliding_window": None, "tie_word_embeddings": True,
            "rope_parameters": rope(
                "yarn", 50.0, factor=8.0, original_max_position_embeddings=16, attention_factor=1.5, truncate=False
            ),
        },
        {"rope_parameters": rope(theta=50.0)},
        dtype="float16",
    ),
    FamilyModel(
        "qwen2-window", "qwen2",
        {
            "num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 3, "use_sliding_window": True,
            "sliding_window": 7, "layer_types": [LOCAL, FULL, LOCAL], "tie_word_embeddings": True,
            "rope_parameters": rope("yarn", factor=4.0, original_max_position_embeddings=16),
        },
        {"layer_types": [FULL, FULL, FULL], "rope_parameters": PLAIN},
        dtype="bfloat16",
    ),
    FamilyModel(
        "gemma2", "gemma2",
        {
            "num_hidden_layers": 3, "sliding_window": 6, "query_pre_attn_scalar": 10, "attn_logit_softcapping": 2.5,
            "final_logit_softcapping": 6.0,
        },
        {
            "layer_types": [FULL, FULL, FULL], "query_pre_attn_scalar": 16, "attn_logit_softcapping": None,
            "final_logit_softcapping": None,
        },
        config_layout="transformers-4", adapters=(ALL,),
    ),
    FamilyModel(
        "gemma2-uncapped", "gemma2",
        {
            "layer_types": [FULL, LOCAL], "sliding_window": 8, "query_pre_attn_scalar": 24, "attn_logit_softcapping": None,
            "final_logit_softcapping": None, "attention_bias": True, "tie_word_embeddings": False,
            "rope_parameters": rope("linear", factor=2.0),
        },
        {"layer_types": [FULL, FULL], "rope_parameters": PLAIN, "final_logit_softcapping": 6.0},
        dtype="bfloat16",
    ),
    FamilyModel(
        "gemma3", "gemma3_text",
        {
            "num_hidden_layers": 3, "layer_types": [LOCAL, FULL, LOCAL], "sliding_window": 5, "query_pre_attn_scalar": 10,
            "rope_parameters": {FULL: rope("linear", 1000.0, factor=8.0), LOCAL: rope(theta=30.0)},
        },
        {
            "layer_types": [FULL, FULL, FULL], "query_pre_attn_scalar": 16,
            "rope_parameters": {FULL: rope(theta=1000.0), LOCAL: rope(theta=1000.0)},
        },
        dtype="bfloat16", adapters=(ALL,),
    ),
    FamilyModel(
        "gemma3-older", "gemma3_text",
        {
            "layer_types": [LOCAL, FULL], "sliding_window": 7, "query_pre_attn_scalar": 32,
            "final_logit_softcapping": 5.0,
            "rope_parameters": {FULL: rope("linear", 500.0, factor=4.0), LOCAL: rope(theta=20.0)},
        },
        {
            "layer_types": [FULL, FULL], "final_logit_softcapping": None,
            "rope_parameters": {FULL: rope(theta=500.0), LOCAL: rope(theta=20.0)},
        },
        dtype="bfloat16", config_layout="transformers-4", older_keys={"sliding_window_pattern": 2},
    ),
]  # fmt: skip


def make_config(model):
    end_of_text, im_end = TOKENIZER_SIZE - 3, TOKENIZER_SIZE - 1
    sizes = {
        "vocab_size": TOKENIZER_SIZE,
        "hidden_size": 32,
        "intermediate_size": 36,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "tie_word_embeddings": model.is_gemma,
        "bos_token_id": end_of_text,
        "eos_token_id": im_end,
        "pad_token_id": None,
    }
    if model.family != "qwen2":
        sizes["head_dim"] = 16
    if "rope_parameters" not in model.config:
        sizes["rope_parameters"] = PLAIN
    return AutoConfig.for_model(model.family, **{**sizes, **model.config})


def fill(model, name, tensor):
    """A random value for one parameter. Gemma's norms multiply by 1 + weight and its embeddings are scaled up, hence the
    smaller numbers; norms of queries and keys are large enough to keep attention far from uniform."""
    label, shape = f"{model.name}/{name}", tuple(tensor.shape)
    if name.endswith("norm.weight"):
        mean = 1.0
        if name.endswith(("q_norm.weight", "k_norm.weight")):
            mean = 1.6
        if model.is_gemma:
            mean = 2.0 if name == "model.norm.weight" else mean - 1.0
        return draw(label, shape, 0.25, mean=mean)
    if name.endswith("bias"):
        return draw(label, shape, 0.5 if "q_proj" in name or "k_proj" in name else 0.2)
    if name == "model.embed_tokens.weight" and model.is_gemma:
        return draw(label, shape, 0.13)
    if name in ("model.embed_tokens.weight", "lm_head.weight"):
        return draw(label, shape, 0.13 if model.is_gemma else 2.2 / shape[1] ** 0.5)
    gain = 1.4 if "q_proj" in name or "k_proj" in name else 1.0
    return draw(label, shape, gain / shape[1] ** 0.5)


def build(model):
    network = AutoModelForCausalLM.from_config(make_config(model))
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            tensor.copy_(torch.from_numpy(fill(model, name, tensor)))
    return network.to(getattr(torch, model.dtype))


def older_config(model, folder):
    """Rewrite config.json with the keys of Transformers 4: `rope_theta`, `rope_scaling`, `rope_local_base_freq`, `torch_dtype`,
    and a pattern in place of `layer_types`."""
    config = read_json(folder / "config.json")
    ropes = config.pop("rope_parameters")
    if model.family == "gemma3_text":
        config["rope_local_base_freq"] = ropes[LOCAL]["rope_theta"]
        ropes = ropes[FULL]
    config["rope_theta"] = ropes.pop("rope_theta")
    # Transformers 4 took two names of the type; the older one has no effect on Gemma 3, whose files have the newer one.
    name = "rope_type" if model.family == "gemma3_text" else "type"
    scaling = {name if key == "rope_type" else key: value for key, value in ropes.items()}
    config["rope_scaling"] = None if scaling[name] == "default" else scaling
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    config.update(model.older_keys, transformers_version="4.51.0")
    write_json(folder / "config.json", dict(sorted(config.items())))


def write_model(model, folder):
    shutil.rmtree(folder, ignore_errors=True)
    build(model).save_pretrained(folder, max_shard_size=model.max_shard_size)
    if model.config_layout == "transformers-4":
        older_config(model, folder)
    template = chat_template("inline", "You are a small test model made of random numbers.")
    write_tokenizer(folder, "first", TOKENIZER_SIZE, "transformers-4", template)


def make_prompts(model, attempt):
    seed = [SEED, zlib.crc32(model.name.encode()), attempt]
    return {f"p{n}": np.random.default_rng([*seed, n]).integers(0, TOKENIZER_SIZE, n).tolist() for n in PROMPT_LENGTHS}


def smallest_margin(tensors):
    return min(value.min().item() for name, value in tensors.items() if name.endswith(".greedy_margins"))


def first_without_ties(compute):
    """The first of many random choices whose continuations have no near tie: (choice, tensors)."""
    for attempt in range(100):
        tensors = compute(attempt)
        if smallest_margin(tensors) >= SMALLEST_MARGIN:
            return attempt, tensors
    raise SystemExit("every choice has a near tie")


def changes_of_logits(model, folder, prompts):
    """How much the logits of the longest prompt change when a setting is replaced; each must change them."""
    ids = prompts["p33"]
    expected, _, _ = forward(load(folder), ids)
    changes = {}
    for key, value in model.without.items():
        config = AutoConfig.from_pretrained(folder)
        setattr(config, key, value)
        network = AutoModelForCausalLM.from_pretrained(
            folder, config=config, dtype=torch.float32, attn_implementation="eager"
        )
        changes[key] = round((forward(network.eval(), ids)[0] - expected).abs().max().item(), 4)
        if changes[key] < SMALLEST_CHANGE:
            raise SystemExit(f"{model.name}: {key} changes the logits by {changes[key]} only")
    return changes


def write_family_model(model, out):
    """Everything of one model. Returns its entry in the manifest."""
    folder = out / model.name
    shutil.rmtree(folder, ignore_errors=True)
    write_model(model, folder / "model")
    network = load(folder / "model")
    attempt, base = first_without_ties(
        lambda n: golden(network, make_prompts(model, n), POSITIONS, with_means=True, n_tokens=GREEDY_LENGTH)
    )
    prompts = make_prompts(model, attempt)
    check_greedy(network, base, prompts)
    save(folder / "golden.safetensors", base)
    print(model.name, summary(base), flush=True)
    return {
        "name": model.name,
        "repository": model.repository,
        "folder": f"{model.name}/model",
        "family": model.family,
        "dtype": model.dtype,
        "configLayout": model.config_layout,
        "tokenizerCases": None,
        "chatCases": None,
        "nLayers": network.config.num_hidden_layers,
        "greedyLength": GREEDY_LENGTH,
        "golden": f"{model.name}/golden.safetensors",
        "figures": summary(base),
        "changesOfLogits": changes_of_logits(model, folder / "model", prompts),
        "adapters": [write_family_adapter(model, adapter, folder, prompts) for adapter in model.adapters],
        "compositions": [],
    }


def write_family_adapter(model, adapter, folder, prompts):
    target = folder / "adapters" / adapter.name
    scales = {}

    def compute(attempt):
        adapter.seed_suffix = f"/{attempt}"
        scales.update(write_adapter(model, folder / "model", adapter, target))
        network = attach(load(folder / "model"), {"default": target})
        return golden(network, prompts, ADAPTER_POSITIONS, n_tokens=GREEDY_LENGTH)

    _, tensors = first_without_ties(compute)
    save(target / "golden.safetensors", tensors)
    print(f"  {adapter.name}", summary(tensors), flush=True)
    return {
        "name": adapter.name,
        "note": adapter.note,
        "folder": f"{model.name}/adapters/{adapter.name}",
        "golden": f"{model.name}/adapters/{adapter.name}/golden.safetensors",
        "dtype": adapter.dtype,
        "smallestGreedyMargin": summary(tensors)["smallestGreedyMargin"],
        "offEqualsBaseBitForBit": off_equals_base(folder / "model", target, prompts),
        "modules": scales,
    }
