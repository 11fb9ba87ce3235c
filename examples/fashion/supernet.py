"""A supernet of MobileNetV3's blocks over a dstools design space, in PyTorch.

Weight sharing is Once-for-All's (Cai et al., ICLR 2020): a narrower layer takes the first channels
of its weight, a smaller depthwise kernel is the middle of the larger one times a learnt matrix, a
shallower unit takes its first layers. Tensors have the names of Once-for-All's MobileNetV3, so that
what is saved here is read wherever one of its checkpoints is.

The space must be of that family: stem = convolution, one fixed depthwise block; units of mbconv;
head = convolution, pool, convolution without batch norm, linear.
"""

import json
import math

import torch
from torch import nn
from torch.nn import functional as F

ACT = {"none": lambda x: x, "relu": F.relu, "relu6": F.relu6, "hswish": F.hardswish}


def rounded(channels, divisor=8):
    """The multiple of divisor nearest to channels, never below 90% of them."""
    n = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return n + divisor if n < 0.9 * channels else n


def first(weight, *sizes):
    """The first entries of a weight along its leading dimensions."""
    for dim, n in enumerate(sizes):
        weight = weight.narrow(dim, 0, n)
    return weight


def batch_norm(bn, x):
    """Batch norm by the first channels of bn; in training its statistics are updated in place.
    While Supernet.calibrate runs, those of the batch are used and summed."""
    weight, bias = first(bn.weight, x.shape[1]), first(bn.bias, x.shape[1])
    if hasattr(bn, "sums"):
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
        bn.sums = [total + new for total, new in zip(bn.sums, (mean * len(x), var * len(x), len(x)))]
        return F.batch_norm(x, mean, var, weight, bias, eps=bn.eps)
    mean, var = first(bn.running_mean, x.shape[1]), first(bn.running_var, x.shape[1])
    return F.batch_norm(x, mean, var, weight, bias, bn.training, bn.momentum, bn.eps)


class Named(nn.Module):
    """A module that only holds others under the names that a checkpoint gives them."""

    def __init__(self, **modules):
        super().__init__()
        for name, module in modules.items():
            self.add_module(name, module)


def elastic_conv(inputs, outputs):
    """A 1x1 and its batch norm that are sliced: one name deeper than fixed ones."""
    return Named(conv=Named(conv=nn.Conv2d(inputs, outputs, 1, bias=False)),
                 bn=Named(bn=nn.BatchNorm2d(outputs)))


class ElasticDepthwise(Named):
    """A depthwise weight of the largest kernel and the matrices that make smaller ones of it."""

    def __init__(self, channels, kernels):
        super().__init__(conv=nn.Conv2d(channels, channels, kernels[-1], groups=channels, bias=False))
        self.kernels = kernels
        for small, large in zip(kernels, kernels[1:]):
            self.register_parameter(f"{large}to{small}_matrix", nn.Parameter(torch.eye(small ** 2)))

    def forward(self, x, kernel):
        channels = x.shape[1]
        weight = first(self.conv.weight, channels)
        for small, large in reversed(list(zip(self.kernels, self.kernels[1:]))):
            if kernel < large:
                edge = (large - small) // 2
                middle = weight[:, :, edge:edge + small, edge:edge + small].reshape(channels, -1)
                weight = F.linear(middle, getattr(self, f"{large}to{small}_matrix"))
                weight = weight.view(channels, 1, small, small)
        return F.conv2d(x, weight, None, self.stride, kernel // 2, 1, channels)


class Block(nn.Module):
    """Expand, depthwise, squeeze-excite where the unit has it, project; plus the input."""

    def __init__(self, inputs, outputs, stride, unit, blocks):
        super().__init__()
        self.act, self.blocks = ACT[unit["act"]], blocks
        most = rounded(inputs * max(b["expand"] for b in blocks.values()))
        depthwise = ElasticDepthwise(most, sorted({b["kernel"] for b in blocks.values()}))
        depthwise.stride = stride
        parts = {"conv": depthwise, "bn": Named(bn=nn.BatchNorm2d(most))}
        if unit.get("se"):
            squeezed = rounded(most // 4)
            parts["se"] = Named(fc=Named(reduce=nn.Conv2d(most, squeezed, 1),
                                         expand=nn.Conv2d(squeezed, most, 1)))
        self.conv = Named(inverted_bottleneck=elastic_conv(inputs, most), depth_conv=Named(**parts),
                          point_linear=elastic_conv(most, outputs))
        self.shortcut = stride == 1 and inputs == outputs

    def squeeze_excite(self, x):
        fc, channels = self.conv.depth_conv.se.fc, x.shape[1]
        squeezed = rounded(channels // 4)
        y = x.mean((2, 3), keepdim=True)
        y = F.relu(F.conv2d(y, first(fc.reduce.weight, squeezed, channels), first(fc.reduce.bias, squeezed)))
        y = F.conv2d(y, first(fc.expand.weight, channels, squeezed), first(fc.expand.bias, channels))
        return x * F.hardsigmoid(y)

    def forward(self, x, name):
        block, part = self.blocks[name], self.conv
        middle = rounded(round(x.shape[1] * block["expand"]))
        y = F.conv2d(x, first(part.inverted_bottleneck.conv.conv.weight, middle))
        y = self.act(batch_norm(part.inverted_bottleneck.bn.bn, y))
        y = self.act(batch_norm(part.depth_conv.bn.bn, part.depth_conv.conv(y, block["kernel"])))
        if hasattr(part.depth_conv, "se"):
            y = self.squeeze_excite(y)
        weight = part.point_linear.conv.conv.weight
        y = batch_norm(part.point_linear.bn.bn, F.conv2d(y, first(weight, weight.shape[0], middle)))
        return y + x if self.shortcut else y


def fixed_conv(inputs, outputs, kernel, stride=1, groups=1):
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return Named(conv=conv, bn=nn.BatchNorm2d(outputs))


class Supernet(nn.Module):
    def __init__(self, space):
        super().__init__()
        if isinstance(space, str):
            with open(space) as file:
                space = json.load(file)
        self.space = space
        blocks = {b["name"]: b for b in space["blocks"]}
        stem, head = space["stem"], space["head"]
        width = stem[0]["width"]
        self.first_conv = fixed_conv(space.get("input_channels", 3), width, stem[0]["kernel"],
                                     stem[0].get("stride", 1))
        fixed = Named(conv=Named(depth_conv=fixed_conv(width, width, stem[1]["kernel"], groups=width),
                                 point_linear=fixed_conv(width, stem[1]["width"], 1)))
        layers, self.first_layer = [fixed], []
        width = stem[1]["width"]
        for unit in space["units"]:
            self.first_layer.append(len(layers))
            for i in range(max(unit["depth"])):
                stride = unit.get("stride", 1) if i == 0 else 1
                layers.append(Block(width, unit["width"], stride, unit, blocks))
                width = unit["width"]
        self.blocks = nn.ModuleList(layers)
        self.final_expand_layer = fixed_conv(width, head[0]["width"], 1)
        self.feature_mix_layer = Named(conv=nn.Conv2d(head[0]["width"], head[2]["width"], 1, bias=False))
        self.classifier = Named(linear=nn.Linear(head[2]["width"], head[3]["width"]))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan = module.weight.shape[0] * module.weight[0, 0].numel() / module.groups
                nn.init.normal_(module.weight, 0, math.sqrt(2 / fan))

    def stem(self, x):
        act = [ACT[step["act"]] for step in self.space["stem"]]
        x = act[0](batch_norm(self.first_conv.bn, self.first_conv.conv(x)))
        part = self.blocks[0].conv
        y = act[1](batch_norm(part.depth_conv.bn, part.depth_conv.conv(x)))
        y = batch_norm(part.point_linear.bn, part.point_linear.conv(y))
        return y + x if y.shape == x.shape else y

    def forward(self, x, arch):
        """x: [images, channels, R, R]; arch: for each unit the names of its active layers' blocks."""
        x = self.stem(x)
        for start, names in zip(self.first_layer, arch):
            for i, name in enumerate(names):
                x = self.blocks[start + i](x, name)
        head = self.space["head"]
        x = self.final_expand_layer.conv(x)
        x = ACT[head[0]["act"]](batch_norm(self.final_expand_layer.bn, x))
        x = ACT[head[2]["act"]](self.feature_mix_layer.conv(x.mean((2, 3), keepdim=True)))
        return self.classifier.linear(x.flatten(1))

    @torch.no_grad()
    def calibrate(self, batches, arch):
        """Once-for-All's set_running_statistics: the means and the (biased) variances of all batches,
        averaged with their numbers of images, become the statistics of this architecture."""
        norms = [m for m in self.modules() if isinstance(m, nn.BatchNorm2d)]
        for bn in norms:
            bn.sums = [0, 0, 0]
        for x in batches:
            self(x, arch)
        for bn in norms:
            mean, var, images = bn.sums
            if images:
                bn.running_mean[:len(mean)] = mean / images
                bn.running_var[:len(var)] = var / images
            del bn.sums
