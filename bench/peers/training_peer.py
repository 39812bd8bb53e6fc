"""PyTorch + Transformers + PEFT training on the CPU, driven by JSON lines: one request a line on stdin, one answer a line on stdout.

Started by the bench with MODEL SETTINGS (JSON: method, rank, objective, recompute, threads). A step is forward, backward, clipping
and AdamW, in float32, as a training script of the field has it: attention by PyTorch's own kernel, logits of every token.
"""

import json
import os
import resource
import sys

# Only answers go to stdout; whatever the libraries print goes to stderr.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

model_folder, settings = sys.argv[1], json.loads(sys.argv[2])
torch.set_num_threads(settings["threads"])
BETA = 0.1


def load():
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32)
    if settings["method"] == "lora":
        rank = settings["rank"]
        config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", lora_dropout=0.0)
        model = get_peft_model(model, config)
    if settings["recompute"]:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    model.config.use_cache = False
    return model.train()


model = load()
trained = [p for p in model.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=1e-4, weight_decay=0.0)


def tensors(request):
    """Sequences are of one length, so nothing is padded."""
    return torch.tensor(request["tokens"]), torch.tensor(request["weights"])


def loss_of(request):
    tokens, weights = tensors(request)
    logits = model(input_ids=tokens).logits
    if settings["objective"] == "sft":
        # Labels are shifted, as Transformers' own loss does it: shifted logits would be copied, at the cost of speed and memory.
        labels = torch.where(weights[:, 1:] > 0, tokens[:, 1:], -100)
        labels = torch.nn.functional.pad(labels, (0, 1), value=-100)
        return torch.nn.functional.cross_entropy(logits.view(-1, logits.shape[-1]), labels.view(-1))
    picked = torch.log_softmax(logits[:, :-1], -1).gather(-1, tokens[:, 1:, None])[..., 0]
    sums = (picked * weights[:, 1:]).sum(-1) - torch.tensor(request["reference"])
    chosen, rejected = sums.chunk(2)
    return -torch.nn.functional.logsigmoid(BETA * (chosen - rejected)).mean()


def step(request):
    optimizer.zero_grad()
    loss = loss_of(request)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    return {"loss": loss.item(), "gradientNorm": norm.item()}


def memory(_):
    return {"peakRssBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}


def answer(message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()


answer({"id": 0, "isReady": True})
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer({"id": request["id"], **{"step": step, "memory": memory}[request["op"]](request)})
    except Exception as error:  # the bench reports it and goes on without this peer
        answer({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
