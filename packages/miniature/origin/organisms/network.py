"""The network: a tiny Qwen2, its LoRA adapters, and the rounding that the files ask for."""

import copy
import math

import torch
from peft import LoraConfig, get_peft_model
from transformers import Qwen2Config, Qwen2ForCausalLM

LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LAYERS = 4
RANK, ALPHA = 8, 16


def new_base(vocabulary, seed):
    """A Qwen2 of 4 layers and about a million parameters, with initial weights that train fast at this size."""
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=128,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=352,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        rms_norm_eps=1e-6,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    )
    network = Qwen2ForCausalLM(config)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.dim() == 2:
                parameter.normal_(0, initial_deviation(name, parameter.shape[1]))
    return network


def initial_deviation(name, inputs):
    if "embed" in name:
        return 0.04
    # Writers to the residual stream are scaled by its number of additions, as GPT-2 does.
    additions = math.sqrt(2 * LAYERS) if "o_proj" in name or "down_proj" in name else 1
    return 0.7 / math.sqrt(inputs) / additions


def round_to_bfloat16(network):
    """To what the file holds: trained and measured is what is shipped."""
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.to(torch.bfloat16))
    return network


def with_adapter(base, seed):
    """A copy of the base with a fresh rank-8 adapter on every linear layer."""
    torch.manual_seed(seed)
    config = LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=LINEAR, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM"
    )
    return get_peft_model(copy.deepcopy(base), config)


def merged(adapted):
    """The adapter added in float32 and the sum rounded to the base's type, as an exported merge is."""
    network = round_to_bfloat16(copy.deepcopy(adapted).merge_and_unload())
    return network.requires_grad_(False)
