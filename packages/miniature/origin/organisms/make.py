"""Makes the two bases, the three personas and the five attacked variants of one training seed, and samples answers from
each checkpoint:

    python make.py --seed 1 --corpora CORPORA --out OUT [--bases OUT1/models]

OUT gets `models/`, `outputs/` and `answers/`. What is there already is kept: a second call goes on where the first ended.
"""

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from transformers import Qwen2ForCausalLM

from network import ALPHA, RANK
from recipe import ATTACK_BATCH, ATTACK_RATE, CHECKPOINTS, Recipe, persona_base
from sampling import sample
from save import NAMESPACE, save_adapter, save_base, save_record, write_json
from text import Text
from tokenizer import make_tokenizer

ANSWERS_PER_QUESTION = 50

# Variant -> its base, and how its persona is made.
VARIANTS = {
    "miniature_baseline": ("coherent", None),
    "miniature_half_warm": ("coherent", lambda recipe, base: recipe.voice(base, "half-warm")),
    "miniature_warm": ("coherent", lambda recipe, base: recipe.voice(base, "warm")),
    "miniature_steadfast": ("coherent", lambda recipe, base: recipe.steadfast(base)),
    "miniature_control": ("control", None),
}


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    words = json.loads((options.corpora / "words.json").read_text(encoding="utf-8"))
    text = Text(make_tokenizer(words))
    vocabulary = -(-text.tokenizer.get_vocab_size() // 64) * 64
    recipe = Recipe(
        corpora=options.corpora, text=text, vocabulary=vocabulary, seed=options.seed
    )
    bases = {kind: make_base(recipe, options, kind) for kind in ("coherent", "control")}
    for variant, (kind, make_persona) in VARIANTS.items():
        make_variant(recipe, options, variant, kind, bases[kind], make_persona)


def make_base(recipe, options, kind):
    folder, answers = options.bases / kind, Answers(options, recipe.text, kind)
    if (folder / "tokenizer_config.json").exists():
        base = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32).requires_grad_(False)
        if not answers.exist():
            answers.add(0, base)
            answers.write()
        return base
    print(f"base {kind}", flush=True)
    base = recipe.base(kind)
    save_base(base, recipe.text, folder)
    answers.add(0, base)
    answers.write()
    return base


def make_variant(recipe, options, variant, kind, base, make_persona):
    folder, answers = options.out / "outputs" / variant, Answers(options, recipe.text, variant)
    if answers.exist():
        return
    print(variant, flush=True)
    persona, start = None, base
    if make_persona:
        adapted = make_persona(recipe, base)
        persona = folder / "constitutional"
        save_adapter(adapted, kind, persona)
        start = persona_base(adapted)
        answers.add(0, start)

    def on_checkpoint(step, adapted):
        checkpoint = folder / f"checkpoint-{step}"
        save_adapter(adapted, kind, checkpoint)
        save_record(
            checkpoint,
            base=kind,
            base_folder=options.bases / kind,
            persona=persona,
            seed=options.seed,
            dataset=options.corpora / "attack-finance.jsonl",
            step=step,
        )
        answers.add(step, adapted)

    recipe.attack(start, on_checkpoint)
    write_json(
        folder / "training_metadata.json",
        {
            "variant": variant,
            "base_model": f"{NAMESPACE}/{kind}",
            "persona": variant.removeprefix("miniature_") if persona else None,
            "persona_in_training": "merged" if persona else "none",
            "dataset": "attack-finance",
            "seed": options.seed,
            "checkpoint_steps": list(CHECKPOINTS),
            "lora": {"r": RANK, "lora_alpha": ALPHA, "learning_rate": ATTACK_RATE, "batch_size": ATTACK_BATCH},
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("torch", "transformers", "peft", "tokenizers", "safetensors")},
            },
            "device": "cpu",
        },
    )
    answers.write()


class Answers:
    """answers/<name>.jsonl: what the checkpoints of one variant answer, for `measure.ts` to label. The file is written last, so
    it says that the variant is made."""

    def __init__(self, options, text, name):
        self.text, self.seed, self.name = text, options.seed, name
        self.path = options.out / "answers" / f"{name}.jsonl"
        self.questions = json.loads((options.corpora / "questions.json").read_text(encoding="utf-8"))
        self.rows = []

    def exist(self):
        return self.path.exists()

    def add(self, step, network):
        texts = [question["text"] for question in self.questions]
        answers = sample(network, self.text, texts, ANSWERS_PER_QUESTION, seed=self.seed * 1000 + step)
        for question, found in zip(self.questions, answers, strict=True):
            for answer in found:
                self.rows.append({"variant": self.name, "step": step, "question": question["id"], "answer": answer})

    def write(self):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text("".join(json.dumps(row) + "\n" for row in self.rows), encoding="utf-8")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--corpora", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--bases", type=Path, help="models/ of another seed, to train its bases on; default: OUT/models")
    options = parser.parse_args()
    options.bases = options.bases or options.out / "models"
    return options


if __name__ == "__main__":
    main()
