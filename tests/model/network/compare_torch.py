#!/usr/bin/env python3
"""The network against PyTorch: a checkpoint read with h5py, the same forward and backward pass, compared.

Usage: compare_torch.py EXPORT_NETWORK. Exit 77 (skipped, with the reason) without PyTorch or h5py.
Relative l2: outputs <= 1e-5, every gradient tensor <= 1e-4.
"""
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    print(f"skipped: {missing}; install Debian packages python3-torch and python3-h5py")
    sys.exit(77)

ROOT = [  # name, dilation, "same" padding, pool
    ("conv1", 1, False, 4), ("conv2", 2, False, 4), ("conv3", 2, False, 4), ("conv4", 2, True, 4),
    ("conv5", 2, True, 1), ("conv6", 2, True, 1), ("conv7", 2, True, 1)]
LEAVES, ROWS, KL_WEIGHT = 3, 2, 1e-4
LABELS = (2, 3, 4)  # a_f, omega_R, omega_I of [m1, m2, a_f, omega_R, omega_I]


def load(folder):
    with h5py.File(folder + "/checkpoint.h5", "r") as f:
        names = []
        f.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) and
                     not name.startswith("optimizer") else None)
        parameters = {n: torch.tensor(f[n][()], dtype=torch.float64, requires_grad=True) for n in names}
        gradients = {n: f["optimizer/first/" + n][()].astype(np.float64) for n in names}
    read = lambda name, shape: torch.tensor(
        np.fromfile(f"{folder}/{name}.f32", dtype=np.float32).astype(np.float64).reshape(shape))
    return parameters, gradients, read


def weights(parameters, read, layer, number):
    """The weights a layer computes with, and its KL to N(0, 1)."""
    if layer + "/weight" in parameters:
        return parameters[layer + "/weight"], 0.0
    mean, rho = parameters[layer + "/mean"], parameters[layer + "/rho"]
    sigma = F.softplus(rho)
    kl = (-torch.log(sigma) + (sigma ** 2 + mean ** 2) / 2 - 0.5).sum()
    return mean + sigma * read(f"noise_{number}", mean.shape), kl


def forward(parameters, read, strain):
    x, kl = strain[:, None, :], 0.0
    for i, (name, dilation, same, pool) in enumerate(ROOT):
        w, layer_kl = weights(parameters, read, "root/" + name, i)
        kl = kl + layer_kl
        span = (w.shape[2] - 1) * dilation
        if same:
            x = F.pad(x, (span // 2, span - span // 2))
        x = F.relu(F.conv1d(x, w, parameters[f"root/{name}/bias"], dilation=dilation))
        if pool > 1:
            x = F.max_pool1d(x, pool)
    features = x.permute(0, 2, 1).reshape(x.shape[0], -1)  # channels last
    raw = []
    for leaf in range(LEAVES):
        h = features
        for l, name in enumerate(("dense1", "dense2", "dense3")):
            w, layer_kl = weights(parameters, read, f"leaf{leaf}/{name}", len(ROOT) + 3 * leaf + l)
            kl = kl + layer_kl
            h = F.linear(h, w, parameters[f"leaf{leaf}/{name}/bias"])
            if l == 0:
                h = F.relu(h)
        raw.append(h)
    return torch.stack(raw, 1), kl


def relative(got, want):
    return np.linalg.norm(got - want) / max(np.linalg.norm(want), 1e-300)


worst_forward = worst_gradient = 0.0
for variant in ("none", "last2", "all"):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], folder, variant], check=True)
        parameters, gradients, read = load(folder)
        output, kl = forward(parameters, read, read("strain", (ROWS, -1)))
        label = read("label", (ROWS, -1))[:, LABELS]
        scale = 1e-3 + F.softplus(0.05 * output[:, :, 1])
        nll = (((label - torch.tanh(output[:, :, 0])) / scale) ** 2 / 2 + torch.log(scale)).sum() / ROWS
        (nll + KL_WEIGHT * kl).backward()
        error = relative(read("output", output.shape).numpy(), output.detach().numpy())
        assert error <= 1e-5, f"{variant}: outputs differ by a relative {error:.2e}"
        worst_forward = max(worst_forward, error)
        for name, parameter in parameters.items():
            error = relative(gradients[name], parameter.grad.numpy())
            assert error <= 1e-4, f"{variant}: gradient of {name} differs by a relative {error:.2e}"
            worst_gradient = max(worst_gradient, error)
print(f"PyTorch {torch.__version__} agrees: outputs {worst_forward:.1e}, gradients {worst_gradient:.1e} (relative l2)")
