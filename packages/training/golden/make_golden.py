"""What PyTorch, Transformers and PEFT compute when they train the tiny models of packages/inference/fixtures: golden.json,
and the adapters that LoRA trainings start from and end with. Float32 on the CPU, one thread, eager attention, no dropout.

    pip install torch transformers peft safetensors      # versions are written into golden.json
    python packages/training/golden/make_golden.py       # from the repository's root
"""

import json
import math
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
FIXTURES = HERE.parent.parent / "inference" / "fixtures"
STEPS = 100
torch.set_num_threads(1)


class Numbers:
    """A linear congruential generator (Numerical Recipes' constants), which the tests write again in TypeScript."""

    def __init__(self, seed):
        self.state = seed & 0xFFFFFFFF

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) & 0xFFFFFFFF
        return self.state

    def integer(self, n):
        return (self.next() >> 8) % n


def load(name):
    model = AutoModelForCausalLM.from_pretrained(
        FIXTURES / name / "model", dtype=torch.float32, attn_implementation="eager"
    )
    return model.train()


def sequence(numbers, vocab):
    """4 to 23 tokens; weights of 0, 1 and 0.5, the first always 0 and the last always 1."""
    n = 4 + numbers.integer(20)
    tokens = [numbers.integer(vocab) for _ in range(n)]
    weights = [[0, 1, 1, 0.5][numbers.integer(4)] for _ in range(n)]
    weights[0], weights[-1] = 0, 1
    return tokens, weights


def preference(numbers, vocab):
    """A prompt of 3 to 6 tokens and two responses of 2 to 9; weights of 1 on the responses."""
    prompt = [numbers.integer(vocab) for _ in range(3 + numbers.integer(4))]
    sides = []
    for _ in range(2):
        response = [numbers.integer(vocab) for _ in range(2 + numbers.integer(8))]
        sides.append((prompt + response, [0] * len(prompt) + [1] * len(response)))
    return sides


def token_logprobs(model, sequences):
    """Log-probability of each token but the first, right-padded: [rows, columns - 1], and the weights beside them."""
    longest = max(len(tokens) for tokens, _ in sequences)
    ids = torch.zeros(len(sequences), longest, dtype=torch.long)
    mask = torch.zeros(len(sequences), longest, dtype=torch.long)
    weights = torch.zeros(len(sequences), longest)
    for i, (tokens, w) in enumerate(sequences):
        ids[i, : len(tokens)] = torch.tensor(tokens)
        mask[i, : len(tokens)] = 1
        weights[i, : len(tokens)] = torch.tensor(w, dtype=torch.float32)
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    picked = torch.log_softmax(logits, -1).gather(-1, ids[:, 1:, None])[..., 0]
    return picked, weights[:, 1:]


def sft_loss(model, micro_batches):
    total = sum(sum(w[1:]) for batch in micro_batches for _, w in batch)
    loss = 0
    for batch in micro_batches:
        logprobs, weights = token_logprobs(model, batch)
        part = -(logprobs * weights).sum() / total
        part.backward()
        loss += part.item()
    return loss


def dpo_loss(model, micro_batches, references, beta, nll, kl):
    n_pairs = sum(len(batch) for batch in micro_batches)
    loss = 0
    for batch, reference in zip(micro_batches, references):
        n = len(batch)
        logprobs, weights = token_logprobs(model, [p[0] for p in batch] + [p[1] for p in batch])
        sums = (logprobs * weights).sum(-1)
        known = (reference * weights).sum(-1)
        margin = (sums - known)[:n] - (sums - known)[n:]
        length = weights.sum(-1)
        part = -torch.nn.functional.logsigmoid(beta * margin).mean()
        part = part + nll * (-sums[:n] / length[:n]).mean()
        part = part + kl * ((((logprobs - reference) * weights) ** 2).sum(-1) / length).mean()
        part = part * n / n_pairs
        part.backward()
        loss += part.item()
    return loss


def optimizer_of(model, settings):
    decayed, plain = [], []
    for parameter in model.parameters():
        if parameter.requires_grad:
            (decayed if parameter.dim() > 1 else plain).append(parameter)
    groups = [{"params": decayed, "weight_decay": settings["weightDecay"]}, {"params": plain, "weight_decay": 0}]
    return torch.optim.AdamW(
        groups, lr=settings["rate"], betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"]
    )


def train(model, settings, loss_of):
    optimizer = optimizer_of(model, settings)
    trained = [p for p in model.parameters() if p.requires_grad]
    losses, norms = [], []
    for step in range(STEPS):
        rate = settings["rate"] * min(1, (step + 1) / 5)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        losses.append(loss_of(step))
        norms.append(torch.nn.utils.clip_grad_norm_(trained, settings["maxGradientNorm"]).item())
        optimizer.step()
    return losses, norms


def adapter_tensors(model):
    state = {k: v for k, v in model.state_dict().items() if "lora_" in k}
    return {k.replace(".default", ""): v.detach().clone().contiguous() for k, v in state.items()}


def batches_of(pool, step):
    """Micro-batches of two of the pool's eight examples: one of them in even steps, two in odd ones."""
    return [[pool[(3 * step + 2 * batch + i) % len(pool)] for i in range(2)] for batch in range(1 + step % 2)]


def lora_case(name, fixture, config, settings, seed, objective=None):
    torch.manual_seed(seed)
    model = load(fixture)
    vocab = model.config.vocab_size
    base = LoraConfig(lora_dropout=0.0, **config)
    model = get_peft_model(model, base)
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    # PEFT starts with B at zero, where A has no gradient.
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            if "lora_B" in key:
                parameter.normal_(0, 0.02)
    initial = adapter_tensors(model)
    written = json.loads(json.dumps(model.peft_config["default"].to_dict(), default=lambda x: sorted(x) if isinstance(x, set) else str(x)))
    written["base_model_name_or_path"] = None
    written["peft_type"], written["task_type"] = "LORA", None
    (folder / "adapter_config.json").write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    save_file(initial, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    numbers = Numbers(seed)
    if objective is None:
        pool = [sequence(numbers, vocab) for _ in range(8)]
        losses, norms = train(model, settings, lambda step: sft_loss(model, batches_of(pool, step)))
    else:
        pool = [preference(numbers, vocab) for _ in range(8)]
        references = []
        with torch.no_grad():
            for step in range(STEPS):
                batches = batches_of(pool, step)
                references.append([token_logprobs(model, [p[0] for p in b] + [p[1] for p in b])[0] for b in batches])
        terms = (objective["beta"], objective["nllCoefficient"], objective["klCoefficient"])
        losses, norms = train(
            model, settings, lambda step: dpo_loss(model, batches_of(pool, step), references[step], *terms)
        )
    save_file(adapter_tensors(model), folder / "final.safetensors", metadata={"format": "pt"})
    return {
        "name": name,
        "fixture": fixture,
        "method": "lora",
        "config": config,
        "settings": settings,
        "seed": seed,
        "objective": objective,
        "losses": losses,
        "gradientNorms": norms,
    }


def full_case(name, fixture, settings, seed):
    torch.manual_seed(seed)
    model = load(fixture)
    numbers = Numbers(seed)
    vocab = model.config.vocab_size
    pool = [sequence(numbers, vocab) for _ in range(8)]
    losses, norms = train(model, settings, lambda step: sft_loss(model, batches_of(pool, step)))
    return {
        "name": name,
        "fixture": fixture,
        "method": "full",
        "settings": settings,
        "seed": seed,
        "objective": None,
        "losses": losses,
        "gradientNorms": norms,
        "projections": projections({k: p.detach() for k, p in model.named_parameters()}),
    }


def projections(tensors):
    """Of each tensor: its norm, and its products with three vectors of -1 and 1."""
    found = {}
    for key, tensor in tensors.items():
        flat = tensor.double().flatten()
        numbers = Numbers(len(key))
        signs = torch.tensor([numbers.next() >> 29 for _ in range(flat.numel())])
        products = [(flat * (1 - 2 * ((signs >> bit) & 1))).sum().item() for bit in range(3)]
        found[key] = [flat.norm().item(), *products]
    return found


def gradient_case(fixture):
    """One step's gradient of every weight, with the settings that the family has."""
    model = load(fixture)
    numbers = Numbers(7)
    batch = [sequence(numbers, model.config.vocab_size) for _ in range(3)]
    loss = sft_loss(model, [batch])
    return {"fixture": fixture, "loss": loss, "projections": projections({k: p.grad for k, p in model.named_parameters()})}


PLAIN = {"rate": 2e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weightDecay": 0.01, "maxGradientNorm": 1.0}
LINEAR = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def main():
    gradients = [
        gradient_case(fixture)
        for fixture in [
            "gqa-6-2-tied", "gqa-4-1-untied", "bf16-tied", "qwen2-window", "qwen3", "qwen3-yarn-window",
            "llama-llama3", "llama-linear-biases", "mistral-window", "gemma2", "gemma3",
        ]
    ]
    cases = [
        lora_case("qwen2", "gqa-6-2-tied", {"r": 4, "lora_alpha": 8, "target_modules": LINEAR}, PLAIN, 1),
        lora_case(
            "gemma2-rslora", "gemma2",
            {"r": 4, "lora_alpha": 6, "use_rslora": True, "target_modules": LINEAR,
             "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"down_proj": 3}},
            {**PLAIN, "beta2": 0.98, "maxGradientNorm": 0.5}, 2,
        ),
        lora_case(
            "qwen3-rank-one", "qwen3",
            {"r": 1, "lora_alpha": 16, "target_modules": ["down_proj"], "layers_to_transform": [1]},
            {**PLAIN, "rate": 3e-3, "weightDecay": 0.0}, 3,
        ),
        lora_case(
            "qwen2-dpo", "gqa-4-1-untied", {"r": 4, "lora_alpha": 8, "target_modules": LINEAR}, PLAIN, 4,
            {"type": "dpo", "beta": 0.1, "nllCoefficient": 0.1, "klCoefficient": 0.001},
        ),
        full_case("qwen2-full", "bf16-tied", PLAIN, 5),
    ]
    versions = {m.__name__: m.__version__ for m in (torch, transformers, peft)}
    (HERE / "golden.json").write_text(json.dumps({"versions": versions, "gradients": gradients, "cases": cases}) + "\n")


main()
