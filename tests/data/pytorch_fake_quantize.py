#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Golden vectors of PyTorch's quantize and fake-quantize operators, forward and backward, and of its MinMaxObserver.

    /usr/bin/python3 tests/data/pytorch_fake_quantize.py      (Debian 12: python3-torch 1.13.1)

writes pytorch_fake_quantize.idx and .bin beside itself, in the format of tests/support/vectors.hpp.
"""
import os
import warnings

os.environ["ATEN_CPU_CAPABILITY"] = "default"  # before torch: its AVX2 kernels are compiled with fused multiply-adds

import numpy as np
import torch
import torch.ao.quantization

torch.set_num_threads(1)
warnings.simplefilter("ignore")  # reduce_range is to go
random = np.random.default_rng(20240607)
index, data = [], bytearray()

CODES = {"s8": (-128, 127), "u8": (0, 255), "s4": (-8, 7), "u7": (0, 127)}
DTYPES = {"s8": torch.qint8, "u8": torch.quint8}


def put(case, attributes=None, **tensors):
    for name, value in (attributes or {}).items():
        index.append(f"{case} @{name} {value}")
    for name, tensor in tensors.items():
        array = np.ascontiguousarray(tensor.detach().numpy() if torch.is_tensor(tensor) else tensor)
        data.extend(b"\0" * (-len(data) % 64))
        shape = " ".join(map(str, array.shape))
        index.append(f"{case} {name} {array.dtype} {array.ndim} {shape} {len(data)} {array.nbytes}")
        data.extend(array.tobytes())


def numbers(scale, zero, qmin, qmax, count):
    """Ties, their neighbours, numbers on and between codes, and some far outside."""
    scale = np.float32(scale)
    codes = random.integers(qmin - 3, qmax + 4, count) - zero
    ties = ((codes + 0.5) * np.float64(scale)).astype(np.float32)
    step = random.integers(0, 3, count)
    x = np.where(step == 0, ties, np.nextafter(ties, np.where(step == 1, np.inf, -np.inf).astype(np.float32)))
    between = random.random(count) < 0.4
    x[between] = (random.uniform(qmin - 20, qmax + 20, count)[between] - zero) * scale
    x[:6] = [0.0, -0.0, 1e4 * scale, -1e4 * scale, 1e-40, -1e-40]
    return x.astype(np.float32)


SETTINGS = [("s8", 0.0171, 0), ("s8", 0.5, -7), ("u8", 0.1, 128), ("u8", 3.1e-3, 3), ("s4", 0.3, 0), ("u7", 0.07, 65)]

for n, (kind, scale, zero) in enumerate(s for s in SETTINGS if s[0] in DTYPES):
    x = numbers(scale, zero, *CODES[kind], 500)
    q = torch.quantize_per_tensor(torch.tensor(x), scale, zero, DTYPES[kind])
    put(f"quantize_tensor_{n}", {"codes": kind}, x=x, scale=np.array([scale], np.float32), zero=np.array([zero], np.int32),
        y=q.int_repr(), real=q.dequantize())

for n, kind in enumerate(DTYPES):
    qmin, qmax = CODES[kind]
    scales = np.array([0.02, 0.5, 1.7, 1e-3, 0.1], np.float32)
    zeros = np.array([0, 3, -5, 100, 77]) if kind == "s8" else np.array([128, 3, 0, 255, 77])
    x = np.stack([numbers(s, z, qmin, qmax, 100) for s, z in zip(scales, zeros)])
    q = torch.quantize_per_channel(torch.tensor(x), torch.tensor(scales), torch.tensor(zeros), 0, DTYPES[kind])
    put(f"quantize_row_{n}", {"codes": kind}, x=x, scale=scales, zero=zeros.astype(np.int32), y=q.int_repr(),
        real=q.dequantize())

# What is no finite number, or beyond every code: torch casts it to int64 before it clamps.
far = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 2.0**40, -(2.0**40)], np.float32)
for n, kind in enumerate(DTYPES):
    q = torch.quantize_per_tensor(torch.tensor(far), 1.0, 3, DTYPES[kind])
    put(f"quantize_far_{n}", {"codes": kind}, x=far, scale=np.array([1.0], np.float32), zero=np.array([3], np.int32),
        y=q.int_repr())

for n, (kind, scale, zero) in enumerate(SETTINGS):
    qmin, qmax = CODES[kind]
    x = torch.tensor(numbers(scale, zero, qmin, qmax, 400), requires_grad=True)
    dy = torch.tensor(random.normal(size=400).astype(np.float32))
    y = torch.fake_quantize_per_tensor_affine(x, scale, zero, qmin, qmax)
    y.backward(dy)
    put(f"fake_tensor_{n}", {"codes": kind}, x=x, scale=np.array([scale], np.float32), zero=np.array([zero], np.int32),
        y=y, dy=dy, dx=x.grad)

for n, kind in enumerate(CODES):
    qmin, qmax = CODES[kind]
    scales = np.array([0.02, 0.5, 1.7, 1e-3], np.float32)
    zeros = random.integers(qmin, qmax + 1, 4).astype(np.int32)
    x = torch.tensor(np.stack([numbers(s, z, qmin, qmax, 80) for s, z in zip(scales, zeros)]), requires_grad=True)
    dy = torch.tensor(random.normal(size=(4, 80)).astype(np.float32))
    y = torch.fake_quantize_per_channel_affine(x, torch.tensor(scales), torch.tensor(zeros), 0, qmin, qmax)
    y.backward(dy)
    put(f"fake_row_{n}", {"codes": kind}, x=x, scale=scales, zero=zeros, y=y, dy=dy, dx=x.grad)


def learnable(x, dy, scale, zero, qmin, qmax, factor, rows):
    x, scale, zero = (torch.tensor(t, requires_grad=True) for t in (x, scale, zero))
    if rows:
        y = torch._fake_quantize_learnable_per_channel_affine(x, scale, zero, 0, qmin, qmax, factor)
    else:
        y = torch._fake_quantize_learnable_per_tensor_affine(x, scale, zero, qmin, qmax, factor)
    y.backward(torch.tensor(dy))
    return (t.detach().numpy() for t in (y, x.grad, scale.grad, zero.grad))


# One number a scale, so that the gradients of the params are those of the number and no sum hides its order.
REAL_ZEROS = {"s8": 0.0, "u8": 127.7, "s4": -3.0, "u7": 65.5}
for n, kind in enumerate(CODES):
    qmin, qmax = CODES[kind]
    scale, zero, factor = np.float32(0.0371), np.float32(REAL_ZEROS[kind]), 0.25 if n % 2 else 1.0
    x = numbers(scale, round(float(zero)), qmin, qmax, 200)
    dy = random.normal(size=200).astype(np.float32)
    one = np.ones(1, np.float32)
    singles = [list(learnable(x[i:i + 1], dy[i:i + 1], scale * one, zero * one, qmin, qmax, factor, False)) for i in range(200)]
    y, dx, ds, dz = (np.concatenate(t) for t in zip(*singles))
    attributes = {"codes": kind, "factor": factor}
    put(f"learnable_tensor_single_{n}", attributes, x=x, dy=dy, scale=scale * one, zero=zero * one, y=y, dx=dx, ds=ds, dz=dz)
    scales, zeros = np.full(200, scale), np.full(200, zero)
    y, dx, ds, dz = learnable(x[:, None], dy[:, None], scales, zeros, qmin, qmax, factor, True)
    put(f"learnable_row_single_{n}", attributes, x=x[:, None], dy=dy[:, None], scale=scales, zero=zeros, y=y, dx=dx, ds=ds, dz=dz)

# Numbers of few bits: every sum is exact, in whatever order.
for n, kind in enumerate(CODES):
    qmin, qmax = CODES[kind]
    zero = np.float32(round(REAL_ZEROS[kind]))
    x = (random.integers(4 * qmin - 40, 4 * qmax + 40, (3, 60)) - 4 * int(zero)).astype(np.float32) / 16
    dy = random.integers(-8, 9, (3, 60)).astype(np.float32) / 4
    attributes = {"codes": kind, "factor": 0.5}
    scale, zeros = np.float32([0.25]), np.float32([zero])
    y, dx, ds, dz = learnable(x, dy, scale, zeros, qmin, qmax, 0.5, False)
    put(f"learnable_tensor_{n}", attributes, x=x, dy=dy, scale=scale, zero=zeros, y=y, dx=dx, ds=ds, dz=dz)
    scales, zeros = np.float32([0.25, 0.5, 0.125]), np.float32([zero, zero + 0.25, zero - 0.5])
    y, dx, ds, dz = learnable(x, dy, scales, zeros, qmin, qmax, 0.5, True)
    put(f"learnable_row_{n}", attributes, x=x, dy=dy, scale=scales, zero=zeros, y=y, dx=dx, ds=ds, dz=dz)

# Scale and zero point of MinMaxObserver, which refuses quint8 with symmetric and reduce_range.
ends = np.concatenate([np.stack([-random.uniform(0, 1, 60), random.uniform(0, 1, 60)]) * 10.0 ** random.integers(-9, 9, 60),
                       np.array([[0, 0, -1, -127.5, 2, -3, -1e-3, -0.5], [0, 5, 0, 127.5, 3, -1, 1e-3, 127]])], 1)
lo, hi = ends.astype(np.float32)
for dtype in ("qint8", "quint8"):
    for qscheme in ("affine", "symmetric"):
        for reduced in (0, 1):
            if (dtype, qscheme, reduced) == ("quint8", "symmetric", 1):
                continue
            found = []
            for pair in zip(lo, hi):
                observer = torch.ao.quantization.MinMaxObserver(
                    dtype=getattr(torch, dtype), qscheme=getattr(torch, "per_tensor_" + qscheme), reduce_range=bool(reduced))
                observer(torch.tensor(pair))
                found.append(observer.calculate_qparams())
            put(f"choose_{dtype}_{qscheme}_{reduced}", lo=lo, hi=hi, scale=torch.cat([f[0] for f in found]),
                zero=torch.cat([f[1] for f in found]).to(torch.int32))

base = os.path.splitext(os.path.abspath(__file__))[0]
with open(base + ".idx", "w") as file:
    file.write("\n".join(index) + "\n")
with open(base + ".bin", "wb") as file:
    file.write(data)
