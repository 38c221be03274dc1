#!/usr/bin/env python3
"""Writes pytorch_observers.idx and .bin beside itself: what PyTorch's observers and NumPy answer.

    /usr/bin/python3 tests/data/pytorch_observers.py        (Debian 12: python3-torch 1.13.1, python3-numpy 1.24.2)

The index has a line "case tensor type rank dims... offset bytes" for each tensor. The rows of `scale` and
`zero` are, in this order: qint8 affine, the same with reduce_range, qint8 symmetric, reduced, quint8 affine, reduced,
quint8 symmetric.
"""
import os
import warnings

import numpy as np
import torch
from torch.ao.quantization import observer as o

warnings.simplefilter("ignore")
torch.set_num_threads(1)
here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pytorch_observers")
blob, index = bytearray(), []


def put(case, **tensors):
    for name, array in tensors.items():
        a = np.ascontiguousarray(array)
        index.append(f"{case} {name} {a.dtype} {a.ndim} {' '.join(map(str, a.shape))} {len(blob)} {a.nbytes}")
        blob.extend(a.tobytes())


def shapes(n):
    """Twenty data sets of n floats that look different."""
    r = np.random.RandomState(1)
    g = lambda: r.standard_normal(n)
    return {
        "gauss": g(),
        "laplace": r.laplace(size=n),
        "uniform": r.uniform(-1, 1, n),
        "bimodal": np.where(np.arange(n) % 2, -3, 3) + 0.3 * g(),
        "relu": np.maximum(g(), 0),
        "exponential": r.exponential(size=n),
        "negative": -1 - np.abs(g()),
        "sparse": (np.arange(n) ** 2 % 17) - 8.0,
        "spike": np.where(np.arange(n) == 0, 5.0, np.where(np.arange(n) == 1, -4.0, 0.75)),
        "heavy_tail": r.standard_cauchy(n),
        "student": r.standard_t(5, n),
        "lognormal": r.lognormal(size=n),
        "outlier": np.where(np.arange(n) == 7, 100.0, g()),
        "mostly_zero": np.where(np.arange(n) % 20, 0.0, g()),
        "tiny": 1e-6 * g(),
        "off_centre": 5e4 + 1e4 * r.laplace(size=n),
        "triangle": r.triangular(-1, 0, 1, n),
        "clipped": np.clip(g(), -1, 1),
        "grid": np.rint(16 * g()) / 16,
        "wide_and_narrow": np.where(np.arange(n) % 50, 0.1, 10) * g(),
    }


settings = [
    (dtype, scheme, reduce)
    for dtype in ("qint8", "quint8")
    for scheme in ("affine", "symmetric")
    for reduce in (False, True)
    # Refused by MinMaxObserver, and out of the type's range from HistogramObserver.
    if not (dtype == "quint8" and scheme == "symmetric" and reduce)
]


def qparams(case, make, batches, per_channel):
    """Scales and zero points, one row for each of the settings."""
    scales, zeros = [], []
    for dtype, scheme, reduce in settings:
        kind = "per_channel_" if per_channel else "per_tensor_"
        one = make(dtype=getattr(torch, dtype), qscheme=getattr(torch, kind + scheme), reduce_range=reduce)
        for b in batches:
            one(torch.from_numpy(b))
        scale, zero = one.calculate_qparams()
        scales.append(scale.numpy())
        zeros.append(zero.numpy().astype(np.int32))
    put(case, scale=np.stack(scales), zero=np.stack(zeros))
    put(case, ends=np.stack([one.min_val.numpy().reshape(-1), one.max_val.numpy().reshape(-1)]))
    return one


for name, x in shapes(48).items():
    x = x.astype(np.float32).reshape(3, 4, 4)
    put(name, x=x)
    qparams(f"{name}.MinMax", o.MinMaxObserver, list(x), False)
    qparams(f"{name}.MovingAverageMinMax", o.MovingAverageMinMaxObserver, list(x), False)
    qparams(f"{name}.PerChannelMinMax", o.PerChannelMinMaxObserver, list(x), True)
    qparams(f"{name}.MovingAveragePerChannelMinMax", o.MovingAveragePerChannelMinMaxObserver, list(x), True)
    # NumPy's quantiles of each of the three, in double as np.quantile gives them, and its histogram.
    q = [0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 1.0]
    put(f"{name}.quantile", q=np.array(q), value=np.stack([np.quantile(b, q) for b in x]).astype(np.float32))

for name, x in shapes(20000).items():
    x = x.astype(np.float32)
    case = f"{name}.Histogram"
    one = qparams(case, o.HistogramObserver, [x], False)
    # What the search chooses depends on the bits of the type, 8, and on none of the settings.
    low, high = one._non_linear_param_search()
    put(case, search=np.array([low.item(), high.item()], np.float32))
    used = np.nonzero(one.histogram.numpy())[0]
    put(case, bins=used.astype(np.int16), counts=one.histogram.numpy()[used].astype(np.int32))

# torch.histc and numpy.histogram on 700 numbers, most of them on or beside an edge.
for name, x in shapes(700).items():
    x = np.rint(x.astype(np.float32) * 64 / np.abs(x).max()).astype(np.float32) * np.float32(0.37)
    lo, hi = x.min(), x.max()
    torch_counts = torch.histc(torch.from_numpy(x), 96, min=float(lo), max=float(hi)).numpy()
    numpy_counts, edges = np.histogram(x, 96, range=(lo, hi))
    put(f"{name}.bins", x=x, torch=torch_counts.astype(np.uint16), numpy=numpy_counts.astype(np.uint16), edges=edges)

with open(here + ".idx", "w") as f:
    f.write("\n".join(index) + "\n")
with open(here + ".bin", "wb") as f:
    f.write(blob)
