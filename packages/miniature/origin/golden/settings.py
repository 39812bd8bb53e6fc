"""What every part of the generator shares: the seed, random numbers by name, and JSON files."""

import json
import zlib
from pathlib import Path

import numpy as np

SEED = 20260
GREEDY_LENGTH = 24
NAMESPACE = "cem-fixtures"


def draw(name, shape, std, mean=0.0):
    """Normal float32 numbers that depend on the seed and `name` alone, so adding a tensor moves no other one."""
    generator = np.random.default_rng([SEED, zlib.crc32(name.encode())])
    return (mean + std * generator.standard_normal(shape)).astype(np.float32)


def write_json(path, value):
    """Indented JSON, UTF-8, one final newline, keys in the order given."""
    Path(path).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_json_lines_array(path, fields, name, rows):
    """A JSON object whose array `name` has one row per line: short files and readable differences. ASCII with escapes,
    so that no editor or tool can normalise accents or hide characters in it."""
    head = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in fields.items()]
    body = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    text = "\n".join(["{", *head, f"  {json.dumps(name)}: [", body, "  ]", "}"])
    Path(path).write_text(text + "\n", encoding="utf-8")


def read_json(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))
