#!/usr/bin/python3
"""Trains the supernet of a small design space on Fashion-MNIST, each step another random subnet.

    nice ./train.py --epochs 25 -o fashion.pth

With Debian's python3-torch and dataset-fashion-mnist, about half an hour on one core.
"""

import argparse
import gzip
import math
import random
import time

import torch
from torch.nn import functional as F

from supernet import Supernet

MEAN, STD = 0.2860, 0.3530  # of the training images' pixels


def idx(path):
    """An IDX file of unsigned bytes as a tensor."""
    with gzip.open(path) as file:
        data = file.read()
    shape = [int.from_bytes(data[4 + 4 * i:8 + 4 * i], "big") for i in range(data[3])]
    return torch.frombuffer(bytearray(data[4 + 4 * len(shape):]), dtype=torch.uint8).view(shape)


def load(folder, part):
    images = idx(f"{folder}/{part}-images-idx3-ubyte.gz").unsqueeze(1)
    return images, idx(f"{folder}/{part}-labels-idx1-ubyte.gz").long()


def resized(images, size):
    if size == images.shape[-1]:
        return images
    parts = [F.interpolate(part.float(), (size, size), mode="bilinear", antialias=True)
             for part in images.split(5000)]
    return torch.cat(parts).add(0.5).clamp(0, 255).byte()


def normalised(images):
    return (images.float() / 255 - MEAN) / STD


def augmented(images, most=2):
    """Each image shifted by up to most pixels each way, and mirrored or not."""
    n, _, h, w = images.shape
    padded = F.pad(images, [most] * 4)
    y = torch.arange(h) + torch.randint(2 * most + 1, (n, 1))
    x = torch.arange(w).repeat(n, 1)
    x = torch.where(torch.rand(n, 1) < 0.5, w - 1 - x, x) + torch.randint(2 * most + 1, (n, 1))
    return padded[torch.arange(n)[:, None, None], 0, y[:, :, None], x[:, None, :]].unsqueeze(1)


def random_arch(space):
    names = [block["name"] for block in space["blocks"]]
    return [random.choices(names, k=random.choice(unit["depth"])) for unit in space["units"]]


def extreme_arch(space, end):
    """The largest (end -1) or the smallest (0) subnet; blocks stand in the order of their size."""
    return [[space["blocks"][end]["name"]] * unit["depth"][end] for unit in space["units"]]


@torch.no_grad()
def accuracy(net, arch, train, images, labels):
    """Percent right of the test images, batch norm re-calibrated on 2,000 training images."""
    net.eval()
    net.calibrate([normalised(part) for part in train[:2000].split(100)], arch)
    right = sum((net(normalised(x), arch).argmax(1) == y).sum().item()
                for x, y in zip(images.split(500), labels.split(500)))
    net.train()
    return 100 * right / len(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--space", default="fashion.json")
    parser.add_argument("--images", default="/usr/share/datasets/fashion-mnist")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-o", default="fashion.pth")
    args = parser.parse_args()
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    torch.set_num_threads(1)

    # channels last: twice as fast here
    net = Supernet(args.space).to(memory_format=torch.channels_last)
    sizes = net.space["resolution"]
    images, labels = load(args.images, "train")
    train = {size: resized(images, size) for size in sizes}
    test, truth = load(args.images, "t10k")
    print(f"{sum(p.numel() for p in net.parameters())} parameters, {len(images)} images", flush=True)

    decayed = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() <= 1]
    optimiser = torch.optim.SGD([{"params": decayed, "weight_decay": 1e-4},
                                 {"params": others, "weight_decay": 0}],
                                args.rate, momentum=0.9, nesterov=True)
    steps, step, start = args.epochs * (len(images) // args.batch), 0, time.time()
    largest, smallest = extreme_arch(net.space, -1), extreme_arch(net.space, 0)
    for epoch in range(args.epochs):
        for rows in torch.randperm(len(images)).split(args.batch):
            if len(rows) < args.batch:
                continue
            for group in optimiser.param_groups:
                group["lr"] = args.rate * (1 + math.cos(math.pi * step / steps)) / 2
            x = normalised(augmented(train[random.choice(sizes)][rows]))
            x = x.contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(net(x, random_arch(net.space)), labels[rows])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            step += 1
        print(f"epoch {epoch + 1}: {time.time() - start:.0f} s, loss {loss.item():.3f}", flush=True)
        if (epoch + 1) % 5 == 0 or epoch + 1 == args.epochs:
            for size in sizes:
                small, large = [accuracy(net, arch, train[size], resized(test, size), truth)
                                for arch in (smallest, largest)]
                print(f"  at {size}: smallest {small:.2f}%, largest {large:.2f}%", flush=True)
            tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
            torch.save({"state_dict": tensors}, args.o)


if __name__ == "__main__":
    main()
