"""Times training steps of LeNet-5 and of the MLP in Saccade and in PyTorch, in turns, on the same machine.

Both train the same network (checked by the parameter count) on batches of 128 synthetic images with Adam and
cross-entropy, on as many threads. A round of one is followed by a round of the other, so that whatever else the machine
does falls on both; the ratio of each such pair is taken, and the median of the ratios is what counts. Exits with 1 when
it is below what Saccade promises. Start it with compare_pytorch.sh, which preloads PyTorch's fastest BLAS.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import torch
from torch import nn

BATCH = 128
# Batches of images and of labels without a common divisor, as saccade bench has them: there is nothing to learn by heart.
IMAGE_BATCHES = 8
LABEL_BATCHES = 61
EPOCH_IMAGES = 60000


def lenet5():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(),
        nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, 10))


def mlp():
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(784, 1200), nn.ReLU(),
        nn.Linear(1200, 1200), nn.ReLU(),
        nn.Linear(1200, 1200), nn.ReLU(),
        nn.Linear(1200, 10))


# Network, and the least ratio of PyTorch's time to Saccade's.
NETWORKS = {"lenet5": (lenet5, 2.0), "mlp": (mlp, 1.0)}


class PyTorch:
    def __init__(self, build):
        torch.manual_seed(1)
        self.net = build()
        self.parameters = sum(p.numel() for p in self.net.parameters())
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, eps=1e-7)
        self.images = torch.rand(IMAGE_BATCHES, BATCH, 1, 28, 28)
        self.labels = torch.randint(0, 10, (LABEL_BATCHES, BATCH))
        self.steps = 0
        self.correct = 0
        for _ in range(5):
            self.step()

    def step(self):
        labels = self.labels[self.steps % LABEL_BATCHES]
        self.optimizer.zero_grad(set_to_none=True)
        output = self.net(self.images[self.steps % IMAGE_BATCHES])
        loss = self.loss(output, labels)
        loss.backward()
        self.optimizer.step()
        self.correct += int((output.argmax(1) == labels).sum())
        if not torch.isfinite(loss):
            sys.exit("PyTorch: the loss is not finite")
        self.steps += 1

    def round(self, seconds):
        """Seconds of a step."""
        start = time.perf_counter()
        steps = 0
        while True:
            self.step()
            steps += 1
            passed = time.perf_counter() - start
            if passed >= seconds:
                return passed / steps


class Saccade:
    def __init__(self, command, network, threads):
        self.command = [command, "bench", network, "--json", "--rounds", "1", "--batch-size", str(BATCH),
                        "--threads", str(threads)]
        # What is preloaded for PyTorch is none of this side's.
        self.environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        self.parameters = self.run(0)["parameters"]

    def run(self, seconds):
        done = subprocess.run(self.command + ["--round-seconds", str(seconds)], env=self.environment,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr.strip() or f"{self.command[0]}: exit code {done.returncode}")
        return json.loads(done.stdout)["benchmarks"][0]

    def round(self, seconds):
        """Seconds of a step, and the share of the FMA peak."""
        result = self.run(seconds)["training"]
        return result["seconds"], result["share_of_peak"]


def describe(name, seconds):
    median = statistics.median(seconds)
    return (f"  {name:<8} {1e3 * median:9.3f} {1e3 * min(seconds):9.3f} {1e3 * max(seconds):9.3f} "
            f"{BATCH / median:10.0f} {EPOCH_IMAGES / BATCH * median:16.2f}")


def compare(network, options):
    build, least = NETWORKS[network]
    peer = PyTorch(build)
    ours = Saccade(options.saccade, network, options.threads)
    if peer.parameters != ours.parameters:
        sys.exit(f"{network}: expected the same network, got {ours.parameters} parameters in Saccade and "
                 f"{peer.parameters} in PyTorch")

    pairs, shares = [], []
    for _ in range(options.rounds):
        seconds, share = ours.round(options.round_seconds)
        pairs.append((seconds, peer.round(options.round_seconds)))
        shares.append(share)
    ratios = [theirs / own for own, theirs in pairs]
    ratio = statistics.median(ratios)
    holds = ratio >= least

    print(f"{network}: {ours.parameters} parameters, batches of {BATCH}, {options.threads} threads, "
          f"{options.rounds} rounds of {options.round_seconds} s")
    print(f"  {'':<8} {'ms/step':>9} {'best':>9} {'worst':>9} {'images/s':>10} {'s/60,000 images':>16}")
    print(describe("Saccade", [own for own, _ in pairs]))
    print(describe("PyTorch", [theirs for _, theirs in pairs]))
    print(f"  Saccade's share of the FMA peak: {100 * statistics.median(shares):.0f} %")
    print(f"  PyTorch / Saccade by pair: {' '.join(f'{r:.2f}' for r in ratios)}")
    print(f"  {'PASS' if holds else 'FAIL'}: median ratio {ratio:.2f}, at least {least:.0f} wanted", flush=True)
    return holds


def at_least(least, kind):
    def parse(text):
        value = kind(text)
        if not least <= value < float("inf"):
            raise argparse.ArgumentTypeError(f"expected at least {least}, got {text}")
        return value
    return parse


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help=f"{', '.join(NETWORKS)} [all]")
    parser.add_argument("--saccade", required=True, metavar="FILE", help="the command to measure")
    parser.add_argument("--threads", type=at_least(1, int), default=len(os.sched_getaffinity(0)), metavar="INT",
                        help="of each side [one a core]")
    parser.add_argument("--rounds", type=at_least(1, int), default=9, metavar="INT")
    parser.add_argument("--round-seconds", type=at_least(0.0, float), default=0.5, metavar="SECONDS")
    options = parser.parse_args()
    if not os.access(options.saccade, os.X_OK):
        parser.error(f"--saccade: expected a command, got '{options.saccade}'; build it, or name another")
    for network in options.networks:
        if network not in NETWORKS:
            parser.error(f"network: expected one of {', '.join(NETWORKS)}, got '{network}'")

    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    results = [compare(network, options) for network in options.networks or NETWORKS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
