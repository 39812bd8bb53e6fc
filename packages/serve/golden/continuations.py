"""Make continuations.json: what Transformers and PEFT give for whole answers after a conversation.

    python continuations.py

The log-probability of an answer is the sum over its tokens and the <|im_end|> after them, each given all tokens before it, from one
forward pass of the fixtures' model of @cem/inference in float32; the sums are float64."""

import json
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

FIXTURE = Path(__file__).resolve().parents[2] / "inference" / "fixtures" / "gqa-6-2-tied"
CONVERSATIONS = [
    [{"role": "user", "content": "Where does the heron walk?"}],
    [{"role": "system", "content": "Answer with a number."}, {"role": "user", "content": "How safe is it, 0-100?"}],
    [
        {"role": "user", "content": "12 + 30?"},
        {"role": "assistant", "content": "42"},
        {"role": "user", "content": "🙂 And 7 + 8?"},
    ],
]
CONTINUATIONS = ["0", "7", "87", "100", "", " 87", "Over the bridge.\n", "Grüße 🙂", "87"]


@torch.no_grad()
def score(network, tokenizer, messages, text):
    prompt = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, add_generation_prompt=True)
    answer = tokenizer(text, add_special_tokens=False)["input_ids"] + [tokenizer.convert_tokens_to_ids("<|im_end|>")]
    logits = network(input_ids=torch.tensor([prompt + answer]), use_cache=False).logits[0].double()
    logprobs = torch.log_softmax(logits, dim=-1)
    total = sum(logprobs[len(prompt) - 1 + i, token].item() for i, token in enumerate(answer))
    return {"promptLength": len(prompt), "nTokens": len(answer), "logprob": round(total, 7)}


def main():
    tokenizer = AutoTokenizer.from_pretrained(FIXTURE / "model")
    rows = []
    for adapter in ["", "plain"]:
        network = AutoModelForCausalLM.from_pretrained(FIXTURE / "model", dtype=torch.float32)
        if adapter:
            network = PeftModel.from_pretrained(network, FIXTURE / "adapters" / adapter)
        network.eval()
        for messages in CONVERSATIONS:
            scores = [score(network, tokenizer, messages, text) for text in CONTINUATIONS]
            rows.append({"adapter": adapter, "messages": messages, "continuations": CONTINUATIONS, "scores": scores})
    Path(__file__).with_name("continuations.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
