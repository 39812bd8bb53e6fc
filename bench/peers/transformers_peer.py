"""Transformers + PEFT on PyTorch's CPU, driven by JSON lines: one request a line on stdin, one answer a line on stdout.

Started by the bench with MODEL ADAPTER DTYPE THREADS. The model stays loaded between requests, so that measurements can go
in turns; between them the process waits on stdin and takes no processor time.
"""

import json
import os
import sys

# Only answers go to stdout; whatever the libraries print goes to stderr.
answers = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)

import torch  # noqa: E402
from peft import PeftModel  # noqa: E402
from transformers import AutoModelForCausalLM  # noqa: E402

model_folder, adapter_folder, dtype_name, n_threads = sys.argv[1:5]
torch.set_num_threads(int(n_threads))
dtype = getattr(torch, dtype_name)

# How many conversations the Python pipelines of the field extract at once, unless told otherwise.
EXTRACTION_BATCH = 16


def load():
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=dtype)
    # Nothing ends a row but its length.
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0
    # The adapter in the model's type: PEFT's default, float32 beside bfloat16 weights, would only be slower.
    model = PeftModel.from_pretrained(model, adapter_folder, autocast_adapter_dtype=False)
    return model.to(dtype).eval()


def switch(on):
    if on:
        model.base_model.enable_adapter_layers()
    else:
        model.base_model.disable_adapter_layers()


def generate(request):
    prompts = torch.tensor(request["prompts"])
    torch.manual_seed(request.get("seed", 0))
    is_sampled = request["temperature"] > 0
    sampling = {"temperature": request["temperature"], "top_k": 0, "top_p": 1.0} if is_sampled else {}
    rows = model.generate(
        input_ids=prompts,
        attention_mask=torch.ones_like(prompts),
        max_new_tokens=request["nNew"],
        do_sample=is_sampled,
        **sampling,
    )
    return {"tokens": rows[:, prompts.shape[1] :].tolist()}


def extract(request):
    """Means of every block's output over the response's tokens: whole conversations, in batches, through the whole model.

    With `isLean` the output head runs for the last position only, which the pipelines do not ask for.
    """
    sequences, n_prompt = request["sequences"], request["nPrompt"]
    means = []
    for start in range(0, len(sequences), EXTRACTION_BATCH):
        ids = torch.tensor(sequences[start : start + EXTRACTION_BATCH])
        output = model(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            output_hidden_states=True,
            use_cache=False,
            logits_to_keep=1 if request.get("isLean") else 0,
        )
        layers = [states[:, n_prompt:].float().mean(dim=1) for states in output.hidden_states[1:]]
        means.extend(torch.stack(layers, dim=1).numpy())
    if not request.get("wantsMeans"):
        return {"nRows": len(means)}
    return {"nRows": len(means), "means": [[layer.tolist() for layer in row] for row in means]}


def handle(request):
    switch(request.get("hasAdapter", False))
    return {"generate": generate, "extract": extract}[request["op"]](request)


def answer(message):
    answers.write(json.dumps(message) + "\n")
    answers.flush()


model = load()
answer({"id": 0, "isReady": True})
with torch.inference_mode():
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer({"id": request["id"], **handle(request)})
        except Exception as error:  # the bench reports it and goes on without this peer
            answer({"id": request["id"], "error": f"{type(error).__name__}: {error}"})
