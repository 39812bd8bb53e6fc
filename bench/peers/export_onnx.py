"""Exports a model folder to ONNX (float32, CPU) in the layout of transformers.js: OUTPUT/config.json, OUTPUT/onnx/model.onnx.

MODEL OUTPUT. The graph is made by ONNX Runtime's own model builder (onnxruntime-genai): fused attention with its cache as
inputs and outputs, as models that are published for transformers.js have it. (optimum-onnx does not support Transformers 5.)
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx

model_folder, output = (Path(argument) for argument in sys.argv[1:3])
config = json.loads((model_folder / "config.json").read_text())
head_dim = config["hidden_size"] // config["num_attention_heads"]
target = output / "onnx"
target.mkdir(parents=True, exist_ok=True)

with tempfile.TemporaryDirectory() as cache:
    builder = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
    arguments = ["-i", str(model_folder), "-o", str(target), "-p", "fp32", "-e", "cpu", "-c", cache]
    subprocess.run([*builder, *arguments], check=True, stdout=subprocess.DEVNULL)

# The builder names the cache's last dimension; transformers.js reads the shape of its empty cache from the graph.
path = target / "model.onnx"
model = onnx.load(path, load_external_data=False)
for value in [*model.graph.input, *model.graph.output]:
    if value.name.startswith(("past_key_values.", "present.")):
        value.type.tensor_type.shape.dim[3].dim_value = head_dim
onnx.save(model, path)

for name in ["config.json", "tokenizer.json", "tokenizer_config.json"]:
    shutil.copy(model_folder / name, output / name)
