"""Times training steps and inference of the same networks in Saccade and in PyTorch, in turns, on the same machine.

Both train the same network (checked by the parameter count) on batches of synthetic images with Adam and cross-entropy, on as
many threads. A round of one is followed by a round of the other, so that whatever else the machine
does falls on both; the ratio of each such pair is taken, and the median of the ratios is what counts. Exits with 1 when
it is below what Saccade promises. Start it with compare_pytorch.sh, which preloads PyTorch's fastest BLAS.
"""

import argparse
import collections
import json
import os
import statistics
import subprocess
import sys
import time

import torch
from torch import nn

import pytorch_networks as networks

# Batches of images and of labels without a common divisor, as saccade bench has them: there is nothing to learn by heart.
IMAGE_BATCHES = 8
LABEL_BATCHES = 61
WORK = ("training", "inference")


# Each with the shape of its images, its batch, and the least ratio of PyTorch's time of a training step to Saccade's.
Network = collections.namedtuple("Network", "build image batch least")
NETWORKS = {
    "lenet5": Network(networks.lenet5, (1, 28, 28), 128, 5.5),
    "mlp": Network(networks.mlp, (1, 28, 28), 128, 1.6),
    "vgg_small": Network(networks.vgg_small, (3, 32, 32), 64, 2.1),
    "resnet20": Network(networks.resnet20, (3, 32, 32), 64, 2.0),
    "resnet18": Network(networks.resnet18, (3, 224, 224), 16, 1.7),
    "mobilenet_v2": Network(networks.mobilenet_v2, (3, 224, 224), 16, 2.0),
}


class PyTorch:
    def __init__(self, network):
        torch.manual_seed(1)
        self.net = network.build()
        self.parameters = networks.count_parameters(self.net)
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-3, eps=1e-7)
        self.images = torch.rand(IMAGE_BATCHES, network.batch, *network.image)
        self.labels = torch.randint(0, 10, (LABEL_BATCHES, network.batch))
        self.steps = 0
        self.correct = 0
        for _ in range(2):
            self.train()
            self.infer()

    def train(self):
        self.net.train()
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

    def infer(self):
        self.net.eval()
        with torch.inference_mode():
            self.net(self.images[self.steps % IMAGE_BATCHES])
        self.steps += 1

    def round(self, seconds):
        """Seconds of a step of training, and of inference."""
        return {"training": time_of(self.train, seconds), "inference": time_of(self.infer, seconds)}


def time_of(step, seconds):
    start = time.perf_counter()
    steps = 0
    while True:
        step()
        steps += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return passed / steps


class Saccade:
    def __init__(self, command, name, batch, threads):
        self.command = [command, "bench", name, "--json", "--rounds", "1", "--batch-size", str(batch),
                        "--threads", str(threads)]
        # What is preloaded for PyTorch is none of this side's.
        self.environment = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"}
        self.parameters = self.run(0)["parameters"]
        self.shares = []

    def run(self, seconds):
        done = subprocess.run(self.command + ["--round-seconds", str(seconds)], env=self.environment,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr.strip() or f"{self.command[0]}: exit code {done.returncode}")
        return json.loads(done.stdout)["benchmarks"][0]

    def round(self, seconds):
        """Seconds of a step of training, and of inference."""
        result = self.run(seconds)
        self.shares.append(result["training"]["share_of_peak"])
        return {work: result[work]["seconds"] for work in WORK}


def describe(name, seconds, batch):
    median = statistics.median(seconds)
    return (f"  {name:<20} {1e3 * median:9.3f} {1e3 * min(seconds):9.3f} {1e3 * max(seconds):9.3f} "
            f"{batch / median:10.0f}")


def compare(name, options):
    network = NETWORKS[name]
    peer = PyTorch(network)
    ours = Saccade(options.saccade, name, network.batch, options.threads)
    if peer.parameters != ours.parameters:
        sys.exit(f"{name}: expected the same network, got {ours.parameters} parameters in Saccade and "
                 f"{peer.parameters} in PyTorch")

    pairs = [(ours.round(options.round_seconds), peer.round(options.round_seconds)) for _ in range(options.rounds)]
    print(f"{name}: {ours.parameters} parameters, batches of {network.batch}, {options.threads} threads, "
          f"{options.rounds} rounds of {options.round_seconds} s")
    print(f"  {'':<20} {'ms/step':>9} {'best':>9} {'worst':>9} {'images/s':>10}")
    medians = {}
    for work in WORK:
        ratios = [theirs[work] / own[work] for own, theirs in pairs]
        medians[work] = statistics.median(ratios)
        print(describe(f"Saccade, {work}", [own[work] for own, _ in pairs], network.batch))
        print(describe(f"PyTorch, {work}", [theirs[work] for _, theirs in pairs], network.batch))
        print(f"  PyTorch / Saccade: {medians[work]:.2f}, by pair {' '.join(f'{r:.2f}' for r in ratios)}")
    holds = medians["training"] >= network.least
    print(f"  Saccade's share of the FMA peak in training: {100 * statistics.median(ours.shares):.0f} %")
    print(f"  {'PASS' if holds else 'FAIL'}: median ratio {medians['training']:.2f} in training, "
          f"at least {network.least} wanted", flush=True)
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
    for name in options.networks:
        if name not in NETWORKS:
            parser.error(f"network: expected one of {', '.join(NETWORKS)}, got '{name}'")

    torch.set_num_threads(options.threads)
    print(f"PyTorch {torch.__version__}, load {os.getloadavg()[0]:.1f} at the start", flush=True)
    results = [compare(name, options) for name in options.networks or NETWORKS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
