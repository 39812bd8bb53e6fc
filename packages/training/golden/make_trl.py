"""What TRL's DPOTrainer computes from texts on a tiny model of packages/inference/fixtures: its own tokenisation by the chat template, its
own reference pass, loss, clipping and AdamW, with PEFT. Writes trl-dpo.json and trl-dpo/final.safetensors; float32 on the CPU, one thread.

    pip install torch transformers peft trl      # versions are written into trl-dpo.json
    python packages/training/golden/make_trl.py  # from the repository's root
"""

import json
import tempfile
from pathlib import Path

import peft
import torch
import transformers
import trl
from datasets import Dataset
from peft import PeftModel
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

HERE = Path(__file__).parent
BASE = HERE.parent.parent / "inference" / "fixtures" / "gqa-4-1-untied" / "model"
START = HERE / "qwen2-dpo"
BETA, RATE, STEPS, BATCH = 0.1, 0.0001, 100, 4
torch.set_num_threads(1)

PLACES = ["river", "harbour", "mill", "orchard", "quarry", "library"]


def rows():
    """Twelve pairs, of unequal lengths on both sides, some with a system turn or an earlier exchange."""
    for i in range(12):
        place = PLACES[i % len(PLACES)]
        prompt = [{"role": "user", "content": f"What about the {place}, number {i}?"}]
        if i % 3 == 0:
            prompt.insert(0, {"role": "system", "content": "Answer in a sentence."})
        if i % 4 == 1:
            prompt = [
                {"role": "user", "content": "Hello."},
                {"role": "assistant", "content": "Good day!"},
                *prompt,
            ]
        chosen = f"The {place} is open" + " and quiet" * (i % 3) + "."
        rejected = f"No idea{', none' * (i % 4)}."
        yield {
            "prompt": prompt,
            "chosen": [{"role": "assistant", "content": chosen}],
            "rejected": [{"role": "assistant", "content": rejected}],
        }


class Recording(DPOTrainer):
    """Keeps every loss unrounded."""

    losses: list[float] = []

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        found = super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        self.losses.append((found[0] if return_outputs else found).item())
        return found


def main():
    data = list(rows())
    with open(HERE / "trl-pairs.jsonl", "w") as file:
        file.writelines(json.dumps(row) + "\n" for row in data)
    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager")
    model = PeftModel.from_pretrained(model, START, is_trainable=True)
    args = DPOConfig(
        output_dir=tempfile.mkdtemp(),
        beta=BETA,
        loss_type=["sigmoid"],
        learning_rate=RATE,
        lr_scheduler_type="constant",
        warmup_steps=0,
        weight_decay=0.01,
        adam_beta1=0.9,
        adam_beta2=0.999,
        adam_epsilon=1e-8,
        max_grad_norm=1.0,
        optim="adamw_torch",
        max_steps=STEPS,
        per_device_train_batch_size=BATCH,
        gradient_accumulation_steps=1,
        train_sampling_strategy="sequential",
        gradient_checkpointing=False,
        bf16=False,
        fp16=False,
        use_cpu=True,
        max_length=None,
        logging_steps=1000,
        save_strategy="no",
        report_to=[],
        seed=0,
    )
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    trainer = Recording(
        model=model, args=args, train_dataset=Dataset.from_list(data), processing_class=tokenizer
    )
    trainer.train()
    assert len(Recording.losses) == STEPS
    weights = {
        name.replace(".default.weight", ".weight"): value.detach().contiguous()
        for name, value in trainer.model.named_parameters()
        if ".lora_" in name and ".default." in name
    }
    (HERE / "trl-dpo").mkdir(exist_ok=True)
    save_file(weights, HERE / "trl-dpo" / "final.safetensors", metadata={"format": "pt"})
    result = {
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft, trl)},
        "settings": {"beta": BETA, "rate": RATE, "steps": STEPS, "batchSize": BATCH},
        "losses": Recording.losses,
    }
    (HERE / "trl-dpo.json").write_text(json.dumps(result) + "\n")


main()
