"""What Transformers makes of 2,000 generated texts, with a tokenizer of every kind that the families have, and of conversations with
chat templates of their shapes.

    python parity.py              writes packages/inference/fixtures/text"""

import argparse
import gzip
import json
import random
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True
DEFAULT_OUT = Path(__file__).resolve().parents[3] / "inference" / "fixtures" / "text"
SEED = 20260
COUNT = 2000


def write_lines(path, rows):
    """Gzipped JSON lines, the same bytes on every run."""
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode("ascii"), 9, mtime=0))


def write_tokenizer(tokenizer, config, folder):
    folder.mkdir(parents=True)
    compact = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(compact + "\n", encoding="utf-8")
    fields = {"model_max_length": 100_000, "clean_up_tokenization_spaces": False, **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def text_rows(tokenizer, texts):
    """ids with special tokens recognised; ids with them split, where these differ; the decoded texts, where they are not the text."""
    from parity_texts import well_formed

    for text in map(well_formed, texts):
        ids = tokenizer(text, add_special_tokens=False)["input_ids"]
        split = tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        row = {"ids": ids}
        if split != ids:
            row["plain"] = split
        for name, skip in (("decoded", False), ("decodedSkipping", True)):
            decoded = tokenizer.decode(ids, skip_special_tokens=skip)
            if decoded != text:
                row[name] = decoded
        yield row


def decode_rows(tokenizer, count):
    """Ids in orders that no text gives: halves of characters, bytes, special tokens between them."""
    pick = random.Random(SEED)
    bytes_first = [id for token, id in tokenizer.get_vocab().items() if token.startswith("<0x") or len(token) == 1]
    for _ in range(count):
        pool = sorted(bytes_first) if pick.random() < 0.6 else range(len(tokenizer))
        ids = [pick.choice(pool) if pick.random() < 0.9 else pick.randrange(len(tokenizer)) for _ in range(pick.randint(1, 14))]
        yield {"ids": ids, "decoded": tokenizer.decode(ids, skip_special_tokens=False), "decodedSkipping": tokenizer.decode(ids, skip_special_tokens=True)}


def write_kind(name, texts, training, out):
    from tokenizers import Tokenizer
    from transformers import AutoTokenizer

    from parity_tokenizers import KINDS

    make, config = KINDS[name]
    folder = out / name
    write_tokenizer(make(training), config, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    backend = Tokenizer.from_file(str(folder / "tokenizer.json"))
    rows = list(text_rows(tokenizer, texts))
    from parity_texts import well_formed

    for text, row in zip(texts, rows):
        if backend.encode(well_formed(text), add_special_tokens=False).ids != row["ids"]:
            raise SystemExit(f"{name}: Transformers and its tokenizer.json disagree on {text[:80]!r}")
    write_lines(folder / "texts.jsonl.gz", rows)
    write_lines(folder / "ids.jsonl.gz", decode_rows(tokenizer, 400))
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{name}: {len(tokenizer)} tokens, {sum(len(row['ids']) for row in rows)} ids, {size / 1e6:.2f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the fixtures (default: %(default)s)")
    out = parser.parse_args().out
    from golden import restart_with_fixed_environment

    restart_with_fixed_environment()
    from parity_texts import Texts, parity_texts
    from parity_tokenizers import KINDS

    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    texts = parity_texts(COUNT, SEED)
    write_lines(out / "texts.jsonl.gz", texts)
    training = Texts(SEED + 1).training()
    for name in KINDS:
        write_kind(name, texts, training, out)
    from parity_templates import template_rows
    from parity_variants import composed_rows, variant_rows, word_rows

    write_lines(out / "variants.jsonl.gz", variant_rows(out))
    write_lines(out / "templates.jsonl.gz", template_rows(out))
    write_lines(out / "words.jsonl.gz", word_rows())
    write_lines(out / "composed.jsonl.gz", composed_rows())


if __name__ == "__main__":
    main()
