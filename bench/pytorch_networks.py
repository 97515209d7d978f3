"""Saccade's networks in PyTorch, for ten classes, as torchvision and the papers have them."""

import torch
from torch import nn
from torch.nn import functional


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


def conv_norm(channels, filters, kernel, stride=1, groups=1, activation=nn.ReLU):
    layers = [nn.Conv2d(channels, filters, kernel, stride, kernel // 2, groups=groups, bias=False),
              nn.BatchNorm2d(filters)]
    return nn.Sequential(*layers, activation(inplace=True)) if activation else nn.Sequential(*layers)


def vgg_small():
    layers, channels = [], 3
    for filters in (32, 64, 128):
        layers += [conv_norm(channels, filters, 3), conv_norm(filters, filters, 3), nn.MaxPool2d(2), nn.Dropout(0.2)]
        channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is a projection or, without weights, zero-padded ("option A")."""

    def __init__(self, channels, filters, stride, projects):
        super().__init__()
        self.body = nn.Sequential(conv_norm(channels, filters, 3, stride),
                                  conv_norm(filters, filters, 3, activation=None))
        self.stride, self.missing = stride, filters - channels
        self.projection = None
        if projects and (stride > 1 or self.missing):
            self.projection = conv_norm(channels, filters, 1, stride, activation=None)

    def forward(self, x):
        shortcut = x
        if self.projection is not None:
            shortcut = self.projection(x)
        elif self.missing:
            before = self.missing // 2
            shortcut = functional.pad(x[:, :, ::self.stride, ::self.stride],
                                      (0, 0, 0, 0, before, self.missing - before))
        return functional.relu(self.body(x) + shortcut, inplace=True)


def resnet20():
    layers, channels = [conv_norm(3, 16, 3)], 16
    for filters in (16, 32, 64):
        for block in range(3):
            layers.append(BasicBlock(channels, filters, 2 if block == 0 and filters > 16 else 1, False))
            channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def resnet18():
    layers, channels = [conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for filters in (64, 128, 256, 512):
        for block in range(2):
            layers.append(BasicBlock(channels, filters, 2 if block == 0 and filters > 64 else 1, True))
            channels = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class InvertedResidual(nn.Module):
    def __init__(self, channels, filters, expansion, stride):
        super().__init__()
        wide = channels * expansion
        layers = [conv_norm(channels, wide, 1, activation=nn.ReLU6)] if expansion > 1 else []
        self.body = nn.Sequential(*layers, conv_norm(wide, wide, 3, stride, wide, nn.ReLU6),
                                  conv_norm(wide, filters, 1, activation=None))
        self.adds = stride == 1 and channels == filters

    def forward(self, x):
        return x + self.body(x) if self.adds else self.body(x)


def mobilenet_v2():
    layers, channels = [conv_norm(3, 32, 3, 2, activation=nn.ReLU6)], 32
    for expansion, filters, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                              (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(count):
            layers.append(InvertedResidual(channels, filters, expansion, stride if block == 0 else 1))
            channels = filters
    return nn.Sequential(*layers, conv_norm(320, 1280, 1, activation=nn.ReLU6), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Dropout(0.2), nn.Linear(1280, 10))


def count_parameters(net):
    """Weights and moving statistics, as Saccade counts them."""
    statistics = sum(b.numel() for b in net.buffers() if b.dtype == torch.float32)
    return sum(p.numel() for p in net.parameters()) + statistics
