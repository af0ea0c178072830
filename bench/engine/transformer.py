"""The training step of transformer.bench.ts in PyTorch: transformer.py DIRECTORY THREADS STEPS prints one line of JSON.

The directory holds what the bench wrote: task.json with the sizes and the names of the weights, and every array as raw float32. The
gradients are written beside them, so that both can be held against each other. Query, key and value are one product, as there.
"""
import json
import pathlib
import resource
import sys
import time

import numpy
import torch
import torch.nn.functional as F

directory, threads, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
task = json.loads((directory / "task.json").read_text())
count, tokens, slots, width, heads, blocks = (task[k] for k in ("count", "tokens", "slots", "width", "heads", "blocks"))


def read(name, shape):
    return torch.from_numpy(numpy.fromfile(directory / name, dtype="<f4").reshape(shape))


w = {name: torch.nn.Parameter(read(f"weight.{name}", shape)) for name, shape in task["shapes"].items()}
x, level, label = read("x", (count, tokens, slots)), read("level", (count, -1)), read("label", (count, -1))
levels, target = read("levels", (count, tokens, -1)), read("target", (count, tokens, slots))


def linear(value, weights, bias=None):
    product = value @ w[weights]
    return product if bias is None else product + w[bias]


def shifted(h, scale, shift):
    return torch.addcmul(shift, F.layer_norm(h, (width,), eps=1e-6), scale + 1)


def attention(h, block):
    packed = torch.cat([w[f"{block}.{name}"] for name in ("query", "key", "value")], 1)
    query, key, value = (h @ packed).view(count, tokens, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
    shares = torch.softmax((query @ key.transpose(-1, -2)) * (heads / width) ** 0.5, -1)
    return (shares @ value).transpose(1, 2).reshape(count, tokens, width) @ w[f"{block}.join"]


def forward():
    first = F.relu(linear(level, "level.weights", "level.bias"))
    c = F.silu(linear(first, "condition.weights", "condition.bias") + linear(label, "label.weights"))
    shared = linear(c, "modulation.weights")
    h = linear(x, "in.weights", "in.bias") + w["in.places"] + linear(levels, "in.levels")
    for b in range(blocks):
        own = (shared + w[f"block{b}.modulation"]).unsqueeze(1)
        shift1, scale1, gate1, shift2, scale2, gate2 = own.chunk(6, -1)
        h = torch.addcmul(h, gate1, attention(shifted(h, scale1, shift1), f"block{b}"))
        up = F.gelu(linear(shifted(h, scale2, shift2), f"block{b}.up.weights", f"block{b}.up.bias"), approximate="tanh")
        h = torch.addcmul(h, gate2, linear(up, f"block{b}.down.weights", f"block{b}.down.bias"))
    shift, scale = linear(c, "out.modulation.weights", "out.modulation.bias").unsqueeze(1).chunk(2, -1)
    return linear(shifted(h, scale, shift), "out.weights", "out.bias")


def gradients():
    loss = F.mse_loss(forward(), target)
    adam.zero_grad(set_to_none=True)
    loss.backward()
    return loss


adam = torch.optim.Adam(w.values(), 1e-3, foreach=True)
gradients()
for name, weight in w.items():
    weight.grad.numpy().astype("<f4").tofile(directory / f"gradient.{name}")
times, cpu_times = [], []
for i in range(-1, steps):
    start, cpu_start = time.perf_counter(), time.process_time()
    loss = gradients()
    adam.step()
    loss.item()
    if i >= 0:
        times.append(1e3 * (time.perf_counter() - start))
        cpu_times.append(1e3 * (time.process_time() - cpu_start))
rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"times": times, "cpuTimes": cpu_times, "maxRssMb": rss, "torch": torch.__version__}))
