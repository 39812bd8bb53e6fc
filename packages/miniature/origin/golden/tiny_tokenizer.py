"""Tiny byte-level BPE tokenizers in the layout of the Qwen2 family, and the chat templates that go with them."""

from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import AutoTokenizer

from settings import read_json, write_json

# The pre-tokenizer pattern of the Qwen2 tokenizers, a constant of the format.
QWEN2_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]

SENTENCES = {
    "first": [
        "The lighthouse keeper counted the gulls and wrote the number in the blue book.",
        "They said that the bridge wasn't safe, and that there's another way to the other shore.",
        "Where the water is still, the heron waits; where it runs, the heron walks.",
        "Das Mädchen fährt über die Brücke und grüßt den müden Müller.",
        "Le garçon préfère le café près de la forêt où l'été dure.",
        "请在桥上等我，桥下的水很冷。",
        "system user assistant\n\n  the answer is: 12 + 30 = 42\n",
    ],
    "second": [
        "A copper kettle sang on the stove while the rain drummed on the roof.",
        "Nobody's quite sure who'll mend the roof before the rain comes back again.",
        "Round stones roll down the road; square stones stay on the roof.",
        "Der große Bär schläft schön im Wald, während es draußen stürmt.",
        "Où est passée la pièce que j'avais cachée derrière l'armoire ?",
        "雨が屋根をたたく音がする。",
        "system user assistant\n\n    total:\t7 + 8 = 15\n",
    ],
}

# ChatML in one expression per line; all white space is trimmed by hand.
INLINE_TEMPLATE = (
    "{%- if messages[0].role != 'system' -%}\n"
    "{{ '<|im_start|>system\\n" + "DEFAULT_SYSTEM" + "<|im_end|>\\n' }}\n"
    "{%- endif -%}\n"
    "{%- for message in messages -%}\n"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}\n"
    "{{ '<|im_start|>assistant\\n' }}\n"
    "{%- endif -%}"
)

# The same format, written so that it is right only with trim_blocks and lstrip_blocks, and strict about roles.
FILE_TEMPLATE = """{% set roles = ['system', 'user', 'assistant'] %}
{% if messages[0]['role'] != 'system' %}
<|im_start|>system
DEFAULT_SYSTEM<|im_end|>
{% endif %}
{% for message in messages %}
    {% if message['role'] not in roles %}
        {{ raise_exception('unknown role: ' + message['role']) }}
    {% endif %}
<|im_start|>{{ message['role'] }}
{{ message['content'] }}<|im_end|>
{% endfor %}
{% if add_generation_prompt %}
<|im_start|>assistant
{% endif %}
"""


def chat_template(form, default_system):
    source = FILE_TEMPLATE if form == "file" else INLINE_TEMPLATE
    return source.replace("DEFAULT_SYSTEM", default_system)


def train(name, size, added_tokens=()):
    """A trained tokenizer with exactly `size` ids; special tokens and `added_tokens` (not special) have the last ones."""
    tokenizer = Tokenizer(BPE(continuing_subword_prefix="", end_of_word_suffix=""))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN2_PATTERN), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
        ]
    )
    tokenizer.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = BpeTrainer(
        vocab_size=size - len(SPECIAL_TOKENS) - len(added_tokens),
        min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
        special_tokens=[],
    )
    tokenizer.train_from_iterator(SENTENCES[name], trainer)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL_TOKENS])
    tokenizer.add_tokens([AddedToken(token, normalized=False, special=False) for token in added_tokens])
    if tokenizer.get_vocab_size() != size:
        raise SystemExit(f"tokenizer {name} has {tokenizer.get_vocab_size()} ids, wanted {size}")
    return tokenizer


def tokenizer_config(tokenizer, template):
    """tokenizer_config.json as Qwen2.5 repositories have it (the layout that Transformers 4 wrote)."""
    added = {
        str(index): {
            "content": token.content,
            "lstrip": token.lstrip,
            "normalized": token.normalized,
            "rstrip": token.rstrip,
            "single_word": token.single_word,
            "special": token.special,
        }
        for index, token in sorted(tokenizer.get_added_tokens_decoder().items())
    }
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": added,
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "bos_token": None,
        "chat_template": template,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 512,
        "pad_token": "<|endoftext|>",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def write_tokenizer(folder, name, size, form, template, added_tokens=()):
    """Write tokenizer files. `form`: "transformers-5" and "file" are saved by Transformers itself, the second with the
    template in chat_template.jinja; "transformers-4" is the older layout of the Qwen2.5 repositories, with the merges as strings."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train(name, size, added_tokens)
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", tokenizer_config(tokenizer, template))
    if form == "transformers-4":
        data = read_json(folder / "tokenizer.json")
        data["decoder"].update(add_prefix_space=False, trim_offsets=False, use_regex=False)
        data["model"].update(continuing_subword_prefix="", end_of_word_suffix="")
        data["model"]["merges"] = [" ".join(pair) for pair in data["model"]["merges"]]
        write_json(folder / "tokenizer.json", data)
    else:
        loaded = AutoTokenizer.from_pretrained(folder)
        loaded.save_pretrained(folder, save_jinja_files=form == "file")
    check_tokenizer(folder, tokenizer)


def check_tokenizer(folder, tokenizer):
    """What was written must tokenize as what was trained did, by both libraries."""
    text = "Ünder the <|im_start|>roof\n\n  l'été 2024 🙂 桥<|im_end|> <tool_call>x"
    expected = tokenizer.encode(text, add_special_tokens=False).ids
    direct = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text, add_special_tokens=False).ids
    through_transformers = AutoTokenizer.from_pretrained(folder)(text, add_special_tokens=False)["input_ids"]
    if not expected == direct == through_transformers:
        raise SystemExit(f"{folder}: tokenizers disagree\n{expected}\n{direct}\n{through_transformers}")
