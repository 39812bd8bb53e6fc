"""Writes the golden files of this folder. Run: python make.py (from this folder).

Made with safetensors 0.8.0, numpy 2.4.6, torch 2.15.0. No user and no test needs Python: the files are committed.
"""

import json
import zipfile

import numpy as np
import torch
from numpy.lib import format as npy
from safetensors.torch import save_file

# Every dtype that torch saves; value i of the six is i - 2 where it can be negative, else i.
signed = torch.arange(6).reshape(2, 3) - 2
plain = torch.arange(6).reshape(2, 3)
torch_dtypes = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8,
    "U64": torch.uint64, "U32": torch.uint32, "U16": torch.uint16, "U8": torch.uint8, "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "C64": torch.complex64,
}
tensors = {
    name: (plain if name[0] == "U" or name == "BOOL" else signed).to(dtype).contiguous()
    for name, dtype in torch_dtypes.items()
}
tensors["scalar"] = torch.tensor(0.5)
tensors["empty"] = torch.zeros(0, 4)
tensors["10"] = torch.tensor([10.0])
tensors["9 \u00e9\u4e2d"] = torch.tensor([9.0])
save_file(tensors, "dtypes.safetensors", metadata={"format": "pt"})

# Rounding: hand-picked edges and random bit patterns, rounded by torch.
edges = [
    0.0, -0.0, 1.0, -2.0, float("inf"), float("-inf"), float("nan"),
    65504.0, 65519.996, 65520.0, 65536.0, 1e38, 3.4028234663852886e38, 3.3895314e38, 3.3961775e38,
    2.0**-14, 2.0**-24, 2.0**-25, 2.0**-25 * 1.0001, 2.0**-26, 3 * 2.0**-25, 5 * 2.0**-25, 2.0**-149, 2.0**-126,
    1 + 2.0**-11, 1 + 3 * 2.0**-11, 1 + 2.0**-8, 1 + 3 * 2.0**-8, 1 + 2.0**-8 + 2.0**-23, 2.0**-14 - 2.0**-26,
]
random = np.random.default_rng(0)
bits = random.integers(0, 2**32, 200, dtype=np.uint32).view(np.float32)
near = (random.normal(size=200) * 10.0 ** random.integers(-8, 5, 200)).astype(np.float32)
values = torch.from_numpy(np.concatenate([np.array(edges, np.float32), bits, near]))
save_file({"values": values, "bf16": values.bfloat16(), "f16": values.half()}, "rounding.safetensors")

# numpy: value [i, j] is 10 * i + j, minus 4 where it can be negative.
grid = np.array([[0, 1, 2], [10, 11, 12]])
arrays = {}
for kind in ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]:
    array = (grid if kind[0] in "bu" else grid - 4).astype(kind)
    arrays[f"little_{kind}"] = array
    arrays[f"big_{kind}"] = array.astype(f">{kind}")
    arrays[f"fortran_{kind}"] = np.asfortranarray(array)
arrays["scalar"] = np.float32(0.5)
arrays["empty"] = np.zeros((0, 4), np.float32)
arrays["vector"] = np.array([1.5, -2.5], np.float32)
arrays["cube_fortran"] = np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4))
arrays["cube_fortran_big"] = np.asfortranarray(np.arange(24, dtype=">f8").reshape(2, 3, 4))
arrays["deep/name"] = np.array([7], np.uint8)
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
with zipfile.ZipFile("stored.npz", "a") as archive:
    archive.writestr("notes.txt", "no array")

np.save("matrix.npy", grid.astype("<f4"))
for version in [(2, 0), (3, 0)]:
    with open(f"matrix-v{version[0]}.npy", "wb") as file:
        npy.write_array(file, grid.astype("<f4"), version=version)
np.save("structured.npy", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
np.save("object.npy", np.array([{"a": 1}, None], dtype=object), allow_pickle=True)

# A sharded model.
save_file({"a.weight": torch.arange(4.0)}, "sharded/model-00001-of-00002.safetensors", {"format": "pt"})
save_file(
    {"b.weight": torch.arange(3).bfloat16(), "stray": torch.zeros(1)},
    "sharded/model-00002-of-00002.safetensors", {"format": "pt"},
)
with open("sharded/model.safetensors.index.json", "w") as file:
    json.dump({
        "metadata": {"total_size": 22},
        "weight_map": {
            "a.weight": "model-00001-of-00002.safetensors",
            "b.weight": "model-00002-of-00002.safetensors",
        },
    }, file, indent=2)
