"""The training step of tfjs.bench.ts in PyTorch: residual_mlp.py THREADS STEPS prints one line of JSON."""
import json
import resource
import sys
import time

import torch

threads, steps = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(threads)
WIDTH, ROWS, BLOCKS = 512, 256, 4


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(WIDTH, WIDTH)
        self.second = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, h):
        return h + self.second(torch.relu(self.first(h)))


net = torch.nn.Sequential(*[Block() for _ in range(BLOCKS)])
adam = torch.optim.Adam(net.parameters(), 1e-3)
x, y = torch.randn(ROWS, WIDTH), torch.randn(ROWS, WIDTH)
times, cpu_times = [], []
for i in range(-2, steps):
    start, cpu_start = time.perf_counter(), time.process_time()
    loss = ((net(x) - y) ** 2).mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    loss.item()
    if i >= 0:
        times.append(1e3 * (time.perf_counter() - start))
        cpu_times.append(1e3 * (time.process_time() - cpu_start))
print(json.dumps({"times": times, "cpuTimes": cpu_times, "maxRssMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "torch": torch.__version__}))
