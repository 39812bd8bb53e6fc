"""Golden values: what Transformers computes in float32 for the fixed prompts."""

import numpy as np
import torch
from safetensors.torch import save_file

from settings import GREEDY_LENGTH, SEED

PROMPT_LENGTHS = (1, 2, 7, 19, 33)

# Which positions' rows are stored. Attention is causal, so late rows depend on all that came before them; the
# log-probabilities, which are stored for all, hold every position in any case.
EVERY_POSITION = {f"p{n}": list(range(n)) for n in PROMPT_LENGTHS}
BASE_POSITIONS = {**EVERY_POSITION, "p19": [0, 9, 17, 18], "p33": [0, 16, 31, 32]}
FEW_POSITIONS = {"p2": [1], "p7": [0, 3, 6], "p19": [18]}


def make_prompts(model):
    """Token ids of each prompt, drawn from the ids that the tokenizer has, special ones included."""
    return {
        f"p{n}": np.random.default_rng([SEED, n, model.d_model]).integers(0, model.tokenizer_size, n).tolist()
        for n in PROMPT_LENGTHS
    }


class BlockOutputs:
    """Hooks that keep every block's output (the residual stream after the MLP) and the final norm's output."""

    def __init__(self, decoder):
        self.layers = [None] * len(decoder.layers)
        self.final_norm = None
        self.handles = [layer.register_forward_hook(self.keep(i)) for i, layer in enumerate(decoder.layers)]
        self.handles.append(decoder.norm.register_forward_hook(self.keep_norm))

    def keep(self, index):
        def hook(_module, _inputs, output):
            self.layers[index] = (output[0] if isinstance(output, tuple) else output).detach()[0].clone()

        return hook

    def keep_norm(self, _module, _inputs, output):
        self.final_norm = output.detach()[0].clone()

    def remove(self):
        for handle in self.handles:
            handle.remove()


def decoder_of(network):
    """The decoder inside a plain or a PEFT-wrapped causal model."""
    causal = network.get_base_model() if hasattr(network, "get_base_model") else network
    return causal.model


@torch.no_grad()
def forward(network, ids):
    """Logits [n, vocabSize], block outputs nLayers x [n, dModel] and final norm [n, dModel] of one sequence."""
    kept = BlockOutputs(decoder_of(network))
    try:
        logits = network(input_ids=torch.tensor([ids]), use_cache=False).logits[0]
    finally:
        kept.remove()
    return logits, kept.layers, kept.final_norm


def token_logprobs(logits, ids):
    """Entry t is log p(ids[t + 1] | ids[0..t]); shape [n - 1], empty for one token."""
    logprobs = torch.log_softmax(logits[:-1], dim=-1)
    return logprobs.gather(1, torch.tensor(ids[1:], dtype=torch.int64)[:, None])[:, 0]


def greedy(network, ids, n_tokens=GREEDY_LENGTH):
    """The argmax continuation without a cache and without stop tokens, the margin between the best two logits at each
    step, and the mean of every block's output over the continuation's tokens (each of them fed, the last one too)."""
    sequence, margins = list(ids), []
    for _ in range(n_tokens):
        logits, _, _ = forward(network, sequence)
        best = torch.topk(logits[-1], 2)
        margins.append((best.values[0] - best.values[1]).item())
        sequence.append(best.indices[0].item())
    _, layers, _ = forward(network, sequence)
    means = torch.stack([layer[len(ids) :].double().mean(0).float() for layer in layers])
    return sequence[len(ids) :], margins, means


def golden(network, prompts, positions, with_means=False, n_tokens=GREEDY_LENGTH):
    """All golden tensors of a network, by name. See the README of the fixtures for the names."""
    tensors = {}
    for name, ids in prompts.items():
        logits, layers, final_norm = forward(network, ids)
        continuation, margins, means = greedy(network, ids, n_tokens)
        tensors[f"{name}.ids"] = torch.tensor(ids, dtype=torch.int64)
        tensors[f"{name}.token_logprobs"] = token_logprobs(logits, ids)
        tensors[f"{name}.greedy_ids"] = torch.tensor(continuation, dtype=torch.int64)
        tensors[f"{name}.greedy_margins"] = torch.tensor(margins, dtype=torch.float32)
        if with_means:
            tensors[f"{name}.greedy_means"] = means
        rows = positions.get(name)
        if rows is None:
            continue
        tensors[f"{name}.positions"] = torch.tensor(rows, dtype=torch.int64)
        tensors[f"{name}.logits"] = logits[rows]
        tensors[f"{name}.final_norm"] = final_norm[rows]
        for index, layer in enumerate(layers):
            tensors[f"{name}.layer_{index}"] = layer[rows]
    return tensors


def check_greedy(network, tensors, prompts):
    """Transformers' own generate, with its cache, must give the same continuations."""
    for name, ids in prompts.items():
        expected = tensors[f"{name}.greedy_ids"].tolist()
        ours = network.generate(
            torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.int64), do_sample=False,
            max_new_tokens=len(expected), eos_token_id=-1, pad_token_id=0, repetition_penalty=1.0,
            temperature=None, top_p=None, top_k=None,
        )[0, len(ids) :].tolist()  # fmt: skip
        if ours != expected:
            raise SystemExit(f"{name}: generate gives {ours}, the loop {expected}")


def summary(tensors):
    """Figures that show whether the values are of realistic size."""
    logits = torch.cat([value.flatten() for name, value in tensors.items() if name.endswith(".logits")])
    layers = [value for name, value in tensors.items() if ".layer_" in name]
    margins = torch.cat([value for name, value in tensors.items() if name.endswith(".greedy_margins")])
    return {
        "largestLogit": round(logits.abs().max().item(), 3),
        "standardDeviationOfLogits": round(logits.std().item(), 3),
        "largestHiddenValue": round(max(value.abs().max().item() for value in layers), 3),
        "smallestGreedyMargin": round(margins.min().item(), 6),
    }


def save(path, tensors):
    save_file({name: value.contiguous() for name, value in tensors.items()}, str(path), metadata={"format": "pt"})
