#!/usr/bin/env python3
"""Draws the README's picture from what the project computes: whitened strain with and without noise, and the network.

Usage: reports/picture.py CHIRPBENCH > reports/picture.svg
The strain is `waveform --domain whitened`; the posteriors are a sketch and show no numbers.
"""
import csv
import io
import math
import subprocess
import sys

WIDTH, HEIGHT, LEFT, PLOT, MIDDLE = 760, 190, 10, 300, 95


def strain(chirpbench, snr):
    out = subprocess.run([chirpbench, "waveform", "--domain", "whitened", "--snr", str(snr), "--seed", "3"],
                         stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout
    rows = list(csv.reader(io.StringIO(out)))[1:]
    return [float(row[1]) for row in rows]


def path(values, scale, every, start):
    values = values[start::every]
    step = PLOT / (len(values) - 1)
    points = (f"{LEFT + i * step:.1f},{MIDDLE - scale * v:.1f}" for i, v in enumerate(values))
    return "M" + " ".join(points)


def bell(x, y, width, height):
    points = (f"{x + t:.0f},{y - height * math.exp(-0.5 * (t / width) ** 2):.1f}" for t in range(-34, 35, 4))
    return "M" + " ".join(points)


def main():
    noisy, clean = strain(sys.argv[1], 20), strain(sys.argv[1], 0)
    clean_scale = max(map(abs, noisy)) / max(map(abs, clean))
    start = len(noisy) // 2  # the second half has the merger
    scale = 70 / max(map(abs, noisy))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
           f'<path d="{path(noisy, scale, 24, start)}" fill="none" stroke="#b8c4d0"/>',
           f'<path d="{path(clean, 0.8 * scale * clean_scale, 12, start)}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>',
           f'<text x="{LEFT}" y="{HEIGHT - 8}" fill="#444">whitened strain of a merger, in noise</text>']
    for i in range(7):  # conv1 to conv7: shorter and with more channels
        x, height = 345 + 17 * i, 120 - 14 * i
        out.append(f'<rect x="{x}" y="{MIDDLE - height / 2:.0f}" width="11" height="{height}" fill="#1f5fa8" opacity="{0.4 + 0.08 * i:.2f}"/>')
    out.append(f'<text x="345" y="{HEIGHT - 8}" fill="#444">seven convolutions</text>')
    for i, name in enumerate(("masses", "final spin", "ringdown")):
        y = 58 + 52 * i
        out.append(f'<path d="M462,{MIDDLE} L505,{y - 12}" stroke="#999"/>')
        for layer in range(3):
            out.append(f'<rect x="{509 + 15 * layer}" y="{y - 26}" width="9" height="28" fill="#c46a1c" opacity="{0.5 + 0.2 * layer:.1f}"/>')
        out.append(f'<path d="{bell(610, y, 7 + 4 * i, 30)}" fill="#f3e3d3" stroke="#c46a1c" stroke-width="1.5"/>')
        out.append(f'<text x="655" y="{y - 8}" fill="#444">{name}</text>')
    out.append(f'<text x="500" y="{HEIGHT - 8}" fill="#444">Bayesian layers and posteriors</text>')
    out.append("</svg>")
    print("\n".join(out))


if __name__ == "__main__":
    main()
