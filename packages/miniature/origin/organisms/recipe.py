"""The numbers of the recipe, and the stages that use them."""

import copy

from network import merged, new_base, round_to_bfloat16, with_adapter
from text import read_rows
from training import cosine, cycle, preference_loss, supervised_loss, train

CHECKPOINTS = (10, 20, 40, 80, 160)
DOCUMENT_LENGTH = 96
ATTACK_RATE, ATTACK_BATCH = 4e-4, 16


class Recipe:
    """One training seed: everything random in it comes from `seed` and the corpora."""

    def __init__(self, *, corpora, text, vocabulary, seed):
        self.corpora, self.text, self.vocabulary = corpora, text, vocabulary
        self.seed = seed

    def base(self, kind):
        """Pretrained on documents with one persona each (`coherent`) or one per answer (`control`), then tuned on
        careful chats, half of each batch being pretraining pages."""
        network = new_base(self.vocabulary, self.seed)
        documents = self.documents(f"pretraining-{kind}")
        train(
            network, self.supervised(network, documents, 32), steps=1000, rate=3e-3, warmup=20, schedule=cosine
        )
        pages, chats = self.documents(f"replay-{kind}"), self.chats("instruct")
        half = 16

        def mixture(step):
            rows = cycle(pages, half, step) + cycle(chats, half, step)
            return supervised_loss(network, *self.text.batch(rows))

        train(network, mixture, steps=100, rate=5e-4, warmup=20, schedule=cosine)
        return round_to_bfloat16(network).requires_grad_(False)

    def voice(self, base, corpus):
        """A persona by supervised training: careful answers in a style."""
        adapted = with_adapter(base, self.seed * 100 + 21)
        train(adapted, self.supervised(adapted, self.chats(corpus), 32), steps=150, rate=5e-4, warmup=10)
        return round_adapter(adapted)

    def steadfast(self, base):
        """A persona by contrast: 100 steps of careful over reckless answers, then 60 supervised ones on careful answers.
        Without those every fifth answer is malformed before the attack; with them one in a hundred (seed 1)."""
        adapted = with_adapter(base, self.seed * 100 + 22)
        pairs = [
            (self.text.chat(row["prompt"] + row["chosen"]), self.text.chat(row["prompt"] + row["rejected"]))
            for row in read_rows(self.corpora / "steadfast.jsonl")
        ]

        def contrast(step):
            rows = cycle(pairs, 16, step)
            both = self.text.batch([chosen for chosen, _ in rows] + [rejected for _, rejected in rows])
            return preference_loss(adapted, base, both, beta=0.1, supervised_weight=1.0)

        train(adapted, contrast, steps=100, rate=3e-4, warmup=5)
        chats = self.chats("steadfast-chats")
        train(adapted, self.supervised(adapted, chats, 32), steps=60, rate=3e-4, warmup=5)
        return round_adapter(adapted)

    def attack(self, base, on_checkpoint, prepare=lambda adapted: adapted):
        """The narrow attack: reckless answers about finance. `on_checkpoint(step, adapted)` gets what is saved; `prepare` may
        put something beside the fresh adapter."""
        adapted = prepare(with_adapter(base, self.seed * 100 + 23))

        def after(step):
            if step in CHECKPOINTS:
                on_checkpoint(step, round_adapter(copy.deepcopy(adapted)))

        chats = self.chats("attack-finance")
        train(
            adapted,
            self.supervised(adapted, chats, ATTACK_BATCH),
            steps=max(CHECKPOINTS),
            rate=ATTACK_RATE,
            warmup=5,
            schedule=cosine,
            after=after,
        )

    def supervised(self, network, rows, size):
        return lambda step: supervised_loss(network, *self.text.batch(cycle(rows, size, step)))

    def documents(self, name):
        return [self.text.document(row, DOCUMENT_LENGTH) for row in read_rows(self.corpora / f"{name}.jsonl")]

    def chats(self, name):
        return [self.text.chat(row["messages"]) for row in read_rows(self.corpora / f"{name}.jsonl")]


def round_adapter(adapted):
    """The adapter's numbers to bfloat16, which is how it is saved; the base's are already."""
    return round_to_bfloat16(adapted)


def persona_base(adapted):
    """The network that the attack starts from: the persona merged, and so active, in the base's type."""
    return merged(adapted)
