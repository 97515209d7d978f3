"""Times Keras's random transform in Saccade and in SciPy, in turns, on one core of the same machine.

Both turn, shift, shear, zoom and mirror a picture (bilinear or cubic, nearest border) and multiply it by 1/255. The
SciPy side is what keras-preprocessing does: one affine_transform for each channel. A round of one is followed by a round
of the other; the ratio of each such pair is taken, and the median of the ratios is what counts. Exits with 1 when it is
below what
Saccade promises. Needs Debian's python3-scipy.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np
from scipy import ndimage

# Row of the benchmark, shape, order, the least ratio of SciPy's time to Saccade's, the least number of pictures a second.
ROWS = {
    "augment/photograph_224x224x3": ((224, 224, 3), 1, 30.0, 4500.0),
    "augment/photograph_224x224x3_cubic": ((224, 224, 3), 3, 2.0, 1.0),
    "augment/digit_28x28x1": ((28, 28, 1), 1, 1.0, 250000.0),
}


def matrix(rng, height, width):
    theta = np.deg2rad(rng.uniform(-30, 30))
    tx, ty = rng.uniform(-0.1, 0.1) * height, rng.uniform(-0.1, 0.1) * width
    shear = np.deg2rad(rng.uniform(-10, 10))
    zx, zy = rng.uniform(0.8, 1.2, 2)
    m = np.array([[np.cos(theta), -np.sin(theta), 0], [np.sin(theta), np.cos(theta), 0], [0, 0, 1]])
    m = m @ np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
    m = m @ np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
    m = m @ np.array([[zx, 0, 0], [0, zy, 0], [0, 0, 1]])
    o0, o1 = height / 2 - 0.5, width / 2 - 0.5
    return np.array([[1, 0, o0], [0, 1, o1], [0, 0, 1]]) @ m @ np.array([[1, 0, -o0], [0, 1, -o1], [0, 0, 1]])


def scipy_seconds(shape, order, rng, seconds):
    original = rng.randint(0, 256, shape).astype(np.float32)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        m = matrix(rng, shape[0], shape[1])
        x = np.rollaxis(original, 2, 0)
        x = np.stack([ndimage.affine_transform(channel, m[:2, :2], m[:2, 2], order=order, mode="nearest", cval=0.0)
                      for channel in x], axis=0)
        x = np.rollaxis(x, 0, 3)
        if rng.random_sample() < 0.5:
            x = x[:, ::-1]
        x = x * np.float32(1 / 255)
        done += 1
    return (time.perf_counter() - start) / done


def saccade_seconds(program, row, seconds):
    out = subprocess.run([program, f"--benchmark_filter=^{row}$", f"--benchmark_min_time={seconds}",
                          "--benchmark_format=json"], check=True, capture_output=True, text=True).stdout
    return json.loads(out)["benchmarks"][0]["real_time"] * 1e-9


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bench", default=os.path.join(here, "../build/release/bench/saccade_augment_bench"),
                        help="Saccade's benchmark program [build/release/bench/saccade_augment_bench]")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each side in each round")
    options = parser.parse_args()
    if not os.access(options.bench, os.X_OK):
        sys.exit(f"compare_scipy: expected the program {options.bench}, got none; build it, or name it with --bench")
    rng = np.random.RandomState(0)
    good = True
    print(f"{'picture':<36}{'Saccade':>14}{'SciPy':>14}{'ratio':>9}   ratios of the rounds")
    for row, (shape, order, promised, rate) in ROWS.items():
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(saccade_seconds(options.bench, row, options.seconds))
            theirs.append(scipy_seconds(shape, order, rng, options.seconds))
        ratios = sorted(b / a for a, b in zip(ours, theirs))
        ratio = statistics.median(ratios)
        good = good and ratio >= promised and 1 / statistics.median(ours) >= rate
        print(f"{row:<36}{1 / statistics.median(ours):>12.0f}/s{1 / statistics.median(theirs):>12.0f}/s{ratio:>8.1f}x"
              f"   {' '.join(f'{r:.1f}' for r in ratios)}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
