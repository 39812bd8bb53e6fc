"""The five tiny random Qwen2 models: sizes, weights of realistic scale, and their folders."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, Qwen2Config, Qwen2ForCausalLM

from settings import NAMESPACE, draw, read_json, write_json
from tiny_tokenizer import chat_template, write_tokenizer


@dataclass
class TinyModel:
    name: str
    n_heads: int
    n_kv_heads: int
    head_dim: int
    d_model: int
    n_layers: int
    intermediate: int
    tied: bool
    dtype: str = "float32"
    vocab_size: int = 320
    rope_theta: float = 10000.0
    rms_norm_eps: float = 1e-6
    explicit_head_dim: bool = False
    max_shard_size: str = "1GB"
    config_layout: str = "transformers-5"
    tokenizer: str = "first"
    tokenizer_size: int = 320
    tokenizer_form: str = "transformers-5"
    added_tokens: tuple = ()
    default_system: str = "You are a small test model made of random numbers."
    text_cases: tuple = field(default_factory=tuple)

    @property
    def repository(self):
        return f"{NAMESPACE}/{self.name}"


MODELS = [
    TinyModel("gqa-6-2-tied", 6, 2, 16, 96, 3, 160, True, text_cases=("tokenizer", "chat")),
    TinyModel(
        "gqa-4-1-untied", 4, 1, 16, 64, 2, 56, False, rope_theta=1000000.0, max_shard_size="140KB",
        config_layout="transformers-4", tokenizer_form="file",
        default_system="You answer from a template file.", text_cases=("chat",),
    ),
    TinyModel(
        "bf16-tied", 4, 2, 16, 64, 2, 80, True, dtype="bfloat16", rope_theta=1000000.0,
        config_layout="transformers-4", tokenizer_form="transformers-4",
    ),
    TinyModel("f16-untied", 2, 2, 16, 32, 2, 48, False, dtype="float16", tokenizer_form="transformers-4"),
    TinyModel(
        "odd-sizes", 2, 1, 32, 42, 2, 69, True, vocab_size=331, rope_theta=1000000.0, rms_norm_eps=1e-5,
        explicit_head_dim=True, tokenizer="second", tokenizer_form="transformers-4",
        added_tokens=("<tool_call>", "</tool_call>"), text_cases=("tokenizer",),
    ),
]  # fmt: skip


def special_ids(model):
    """Ids of <|endoftext|>, <|im_start|> and <|im_end|>."""
    first = model.tokenizer_size - len(model.added_tokens) - 3
    return first, first + 1, first + 2


def make_config(model):
    end_of_text, _, im_end = special_ids(model)
    extra = {"head_dim": model.head_dim} if model.explicit_head_dim else {}
    return Qwen2Config(
        vocab_size=model.vocab_size,
        hidden_size=model.d_model,
        intermediate_size=model.intermediate,
        num_hidden_layers=model.n_layers,
        num_attention_heads=model.n_heads,
        num_key_value_heads=model.n_kv_heads,
        max_position_embeddings=512,
        rms_norm_eps=model.rms_norm_eps,
        rope_parameters={"rope_type": "default", "rope_theta": model.rope_theta},
        tie_word_embeddings=model.tied,
        bos_token_id=end_of_text,
        eos_token_id=im_end,
        pad_token_id=None,
        **extra,
    )


def fill(model, name, tensor):
    """A random value for one parameter. Standard deviations keep every sublayer's output near 1, the queries' and keys'
    products at a few units (attention far from uniform), and logits spread over several units."""
    label = f"{model.name}/{name}"
    shape = tuple(tensor.shape)
    if name.endswith("norm.weight"):
        return draw(label, shape, 0.2, mean=1.0)
    if name.endswith("layernorm.weight"):
        return draw(label, shape, 0.2, mean=1.0)
    if name.endswith("bias"):
        return draw(label, shape, 0.2 if "v_proj" in name else 0.5)
    if name in ("model.embed_tokens.weight", "lm_head.weight"):
        return draw(label, shape, 2.2 / model.d_model**0.5)
    gain = 1.3 if "q_proj" in name or "k_proj" in name else 1.0
    return draw(label, shape, gain / shape[1] ** 0.5)


def build(model):
    network = Qwen2ForCausalLM(make_config(model))
    with torch.no_grad():
        for name, tensor in network.named_parameters():
            tensor.copy_(torch.from_numpy(fill(model, name, tensor)))
    end_of_text, _, im_end = special_ids(model)
    network.generation_config = GenerationConfig(
        bos_token_id=end_of_text,
        eos_token_id=[im_end, end_of_text],
        pad_token_id=end_of_text,
        do_sample=True,
        temperature=0.7,
        top_p=0.8,
        top_k=20,
        repetition_penalty=1.05,
    )
    return network.to(getattr(torch, model.dtype))


def older_config(folder):
    """Rewrite config.json with the keys of Transformers 4 (`rope_theta`, `torch_dtype`), as the Qwen2.5 repositories have."""
    config = read_json(folder / "config.json")
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["torch_dtype"] = config.pop("dtype")
    for key in ("layer_types", "pad_token_id"):
        config.pop(key, None)
    # Present and switched off, as in Qwen2.5: a reader that looks at the window alone would cut attention.
    config.update(use_sliding_window=False, sliding_window=8, max_window_layers=1, transformers_version="4.43.1")
    write_json(folder / "config.json", dict(sorted(config.items())))


def write_model(model, folder):
    folder = Path(folder)
    build(model).save_pretrained(folder, max_shard_size=model.max_shard_size)
    if model.config_layout == "transformers-4":
        older_config(folder)
    form = "file" if model.tokenizer_form == "file" else "inline"
    write_tokenizer(
        folder, model.tokenizer, model.tokenizer_size, model.tokenizer_form,
        chat_template(form, model.default_system), model.added_tokens,
    )  # fmt: skip


def load(folder):
    """The model of a folder in float32 with eager attention: every reference is computed with this."""
    network = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    return network.eval()
