"""The meta step of works.ts in PyTorch: torch_meta.py DIRECTORY THREADS ROUNDS SECONDS prints one line of JSON.

The directory holds what peer.ts wrote: task.json, and weights, rates, features, targets, stencil.<level> as raw float32. The
gradient of the shared weights is written beside them, so that both can be held against each other. Interpolation is a
product with a dense matrix of weights, which on grids this small beats gathers and has a second derivative.
"""
import json
import pathlib
import resource
import sys
import time

import numpy
import torch

directory, threads, rounds, seconds = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:5])
torch.set_num_threads(threads)
task = json.loads((directory / "task.json").read_text())
width, layers, outputs, w0 = task["width"], task["layers"], task["outputs"], task["w0"]
levels, count, points = task["levels"], task["count"], task["points"]


def read(name, *shape):
    return torch.from_numpy(numpy.fromfile(directory / name, dtype="<f4").reshape(shape))


features = read("features", points, -1)
targets = read("targets", count, points, outputs)
rates = torch.split(read("rates", -1), [level["channels"] for level in levels])
stencils = [None if level["cells"] == 1 else read(f"stencil.{k}", points, level["cells"]) for k, level in enumerate(levels)]

flat = read("weights", -1)
shapes = []
for layer in range(layers):
    shapes += [(features.shape[1] if layer == 0 else width, width), (width,)]
shapes += [(width, outputs), (outputs,), (sum(level["channels"] for level in levels), layers * width + outputs)]
parts = torch.split(flat, [int(numpy.prod(shape)) for shape in shapes])
theta = [part.reshape(shape).clone().requires_grad_() for part, shape in zip(parts, shapes)]


def field(phi):
    m = torch.split(theta[-1], [level["channels"] for level in levels])
    # In the cheaper order: a vector for the whole signal is mapped once; grids are interpolated, then mapped together.
    shifts = sum(grid @ rows for stencil, grid, rows in zip(stencils, phi, m) if stencil is None)
    if any(stencil is not None for stencil in stencils):
        grids = [(stencil @ grid, rows) for stencil, grid, rows in zip(stencils, phi, m) if stencil is not None]
        shifts = shifts + torch.cat([u for u, _ in grids], -1) @ torch.cat([rows for _, rows in grids])
    h = features
    for layer in range(layers):
        h = torch.sin(w0 * (h @ theta[2 * layer] + theta[2 * layer + 1] + shifts[..., layer * width : (layer + 1) * width]))
    return h @ theta[2 * layers] + theta[2 * layers + 1] + shifts[..., layers * width :]


def loss_of(phi):
    return 0.5 * ((field(phi) - targets) ** 2).sum()


def step():
    phi = [torch.zeros(count, level["cells"], level["channels"], requires_grad=True) for level in levels]
    for _ in range(task["steps"]):
        gradients = torch.autograd.grad(loss_of(phi), phi, create_graph=True)
        phi = [grid - rate * gradient for grid, rate, gradient in zip(phi, rates, gradients)]
    return torch.autograd.grad(loss_of(phi), theta)


times, started = [], time.perf_counter()
for i in range(-1, rounds):
    start = time.perf_counter()
    gradient = step()
    if i >= 0:
        times.append(1e3 * (time.perf_counter() - start))
        if time.perf_counter() - started > seconds:
            break
torch.cat([part.reshape(-1) for part in gradient]).numpy().astype("<f4").tofile(directory / "gradient")
# Debian's PyTorch takes the BLAS it finds; the reference one is ten times slower than it need be.
maps = pathlib.Path("/proc/self/maps")
blas = next((name for name in ("openblas", "mkl_core", "blis") if maps.exists() and name in maps.read_text()), "reference")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"threads": threads, "timesMs": sorted(times), "maxRssMb": peak, "torch": torch.__version__, "blas": blas}))
