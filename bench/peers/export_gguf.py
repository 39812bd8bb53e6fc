"""Writes a Qwen2 model folder as GGUF (float32 and q8_0) and a PEFT adapter as a GGUF adapter, for llama.cpp.

MODEL ADAPTER OUTPUT: OUTPUT/model-f32.gguf, OUTPUT/model-q8_0.gguf, OUTPUT/adapter.gguf. The tokenizer is a list of
placeholders: the bench gives token ids and reads token ids.
"""

import json
import sys
from pathlib import Path

import gguf
import numpy
from safetensors import safe_open

model_folder, adapter_folder, output = (Path(argument) for argument in sys.argv[1:4])
config = json.loads((model_folder / "config.json").read_text())

MODULES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
OUTER = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}


def gguf_name(name):
    """`model.layers.3.mlp.up_proj.weight` is `blk.3.ffn_up.weight`."""
    if name in OUTER:
        return OUTER[name]
    _, _, layer, rest = name.split(".", 3)
    module, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{MODULES[module]}.{kind}"


def write_model(path, quantization):
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_file_type(
        gguf.LlamaFileType.ALL_F32 if quantization is None else gguf.LlamaFileType.MOSTLY_Q8_0
    )
    add_placeholder_tokens(writer)
    with safe_open(model_folder / "model.safetensors", "numpy") as weights:
        for name in weights.keys():
            tensor = weights.get_tensor(name)
            if quantization is None or tensor.ndim == 1:
                writer.add_tensor(gguf_name(name), tensor)
            else:
                data = gguf.quants.quantize(tensor, quantization)
                writer.add_tensor(gguf_name(name), data, raw_dtype=quantization)
    finish(writer)


def add_placeholder_tokens(writer):
    n_tokens = config["vocab_size"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([f"t{i}" for i in range(n_tokens)])
    writer.add_token_types([gguf.TokenType.NORMAL] * n_tokens)
    writer.add_token_merges(["t 0"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_bos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(False)


def write_adapter(path):
    settings = json.loads((adapter_folder / "adapter_config.json").read_text())
    rank, alpha = settings["r"], settings["lora_alpha"]
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    # llama.cpp scales by alpha / rank; rsLoRA by alpha / sqrt(rank).
    writer.add_float32("adapter.lora.alpha", alpha * rank**0.5 if settings["use_rslora"] else alpha)
    with safe_open(adapter_folder / "adapter_model.safetensors", "numpy") as weights:
        for name in weights.keys():
            module, kind = name.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".", 1)
            writer.add_tensor(
                f"{gguf_name(f'{module}.weight')}.{kind.lower()}",
                numpy.ascontiguousarray(weights.get_tensor(name)),
            )
    finish(writer)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


output.mkdir(parents=True, exist_ok=True)
write_model(output / "model-f32.gguf", None)
write_model(output / "model-q8_0.gguf", gguf.GGMLQuantizationType.Q8_0)
write_adapter(output / "adapter.gguf")
