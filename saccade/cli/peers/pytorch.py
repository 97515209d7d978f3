"""The PyTorch side of `saccade bench --compare pytorch`: a line of JSON on stdout answers each line on stdin.

    {"network": FILE, "images": FILE, "outputs": FILE, "batch": 64, "threads": 2}
        builds the network of a Saccade file with its weights, and writes what it computes of the images (NCHW, float32)
    {"step": "training" or "inference", "seconds": 0.3}
        repeats such a step for so long and answers with the seconds of one

Batches are synthetic, as Saccade's are; training is Adam on the cross-entropy. Whichever of PyTorch's two layouts of images is
faster here is taken, for either step by itself.
"""
import collections
import copy
import json
import struct
import sys
import time

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    print(json.dumps({"missing": str(error)}), flush=True)
    sys.exit(0)

# Without a common divisor, so that an image keeps getting other labels and there is nothing to learn by heart.
IMAGE_BATCHES = 8
LABEL_BATCHES = 61
WARM_UP_SECONDS = 0.02

ACTIVATIONS = {
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "elu": nn.ELU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "swish": nn.SiLU,
    "hard_swish": nn.Hardswish,
    "gelu": nn.GELU,
    "softmax": lambda: nn.Softmax(dim=1),
    "log_softmax": lambda: nn.LogSoftmax(dim=1),
}


class Refused(Exception):
    pass


def read_network(path):
    """The layers of a safetensors file that Saccade wrote, and its weights by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = bytearray(file.read())
    layers = json.loads(header.pop("__metadata__")["architecture"])["layers"]
    weights = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        weights[name] = torch.frombuffer(data, dtype=torch.float32, count=(end - begin) // 4,
                                         offset=begin).reshape(entry["shape"]).clone()
    return layers, weights


def read_images(path, shape):
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32).reshape(shape).clone()


class Merge(nn.Module):
    """What takes several inputs."""

    def __init__(self, merge):
        super().__init__()
        self.merge = merge

    def forward(self, *inputs):
        return self.merge(inputs)


class Apply(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def add_all(inputs):
    total = inputs[0]
    for other in inputs[1:]:
        total = total + other
    return total


def pads_of(options, x, kernel, strides, dilation):
    """Left, right, top, bottom, as functional.pad wants them."""
    if options["padding"] == "valid":
        return (0, 0, 0, 0)
    if options["padding"] != "same":
        top, bottom, left, right = map(int, options["padding"].split(","))
        return (left, right, top, bottom)
    pads = []
    for axis in (1, 0):
        extent = x.shape[2 + axis]
        covered = (-(-extent // strides[axis]) - 1) * strides[axis] + (kernel[axis] - 1) * dilation[axis] + 1
        total = max(0, covered - extent)
        pads += [total // 2, total - total // 2]
    return tuple(pads)


def padded(pads, value, make):
    """make(padding), behind a layer of its own for pads that PyTorch's layers do not know."""
    left, right, top, bottom = pads
    if left == right and top == bottom:
        return [make((top, left))]
    return [nn.ConstantPad2d(pads, value), make((0, 0))]


class Layers(nn.Module):
    """The network, built layer by layer as one image passes through."""

    def __init__(self, layers, weights, image):
        super().__init__()
        self.weights = weights
        self.rows = {}  # of flattened images: the extents [channels, height, width] they had
        self.readers = collections.Counter(name for layer in layers for name in layer["inputs"])
        self.built = nn.ModuleList()
        number = {layer["name"]: i for i, layer in enumerate(layers)}
        last_reader = {number[name]: i for i, layer in enumerate(layers) for name in layer["inputs"]}
        self.steps = []  # module, the numbers of its inputs, and of the values that nobody reads behind it
        values = [image]
        with torch.no_grad():
            for i, layer in enumerate(layers[1:], 1):
                inputs = [number[name] for name in layer["inputs"]]
                make = getattr(self, "make_" + layer["type"], None)
                if make is None:
                    raise Refused(f"layer '{layer['name']}' of type {layer['type']} has no counterpart in PyTorch's program")
                made = make(layer, layer["options"], values[inputs[0]])
                module = (made[0] if len(made) == 1 else nn.Sequential(*made)).eval()
                self.built.append(module)
                self.steps.append((module, inputs, [value for value, end in last_reader.items() if end == i]))
                values.append(module(*[values[n].clone() for n in inputs]))
        self.weights = None

    def forward(self, x):
        values = [x]
        for module, inputs, done in self.steps:
            values.append(module(*[values[i] for i in inputs]))
            for i in done:
                values[i] = None
        return values[-1]

    def parameter(self, layer, name):
        return nn.Parameter(self.weights[f"{layer['name']}.{name}"].clone())

    def activation(self, name):
        if name == "linear":
            return []
        if name not in ACTIVATIONS:
            raise Refused(f"activation '{name}' has no counterpart in PyTorch's program")
        return [ACTIVATIONS[name]()]

    def convolution(self, layer, options, x, weight, groups):
        kernel, strides, dilation = options["kernel"], options["strides"], options["dilation"]

        def make(padding):
            conv = nn.Conv2d(x.shape[1], weight.shape[0], kernel, strides, padding, dilation, groups,
                             bias=options["use_bias"])
            conv.weight = nn.Parameter(weight.contiguous())
            if options["use_bias"]:
                conv.bias = self.parameter(layer, "bias")
            return conv

        return padded(pads_of(options, x, kernel, strides, dilation), 0.0, make) + self.activation(options["activation"])

    def make_Conv2D(self, layer, options, x):
        weight = self.weights[layer["name"] + ".weight"].permute(3, 2, 0, 1)
        return self.convolution(layer, options, x, weight, options["groups"])

    def make_DepthwiseConv2D(self, layer, options, x):
        weight = self.weights[layer["name"] + ".weight"]
        height, width, channels, each = weight.shape
        weight = weight.permute(2, 3, 0, 1).reshape(channels * each, 1, height, width)
        return self.convolution(layer, options, x, weight, channels)

    def make_Dense(self, layer, options, x):
        weight = self.weights[layer["name"] + ".weight"]
        extents = self.rows.get(layer["inputs"][0])
        if extents:
            channels, height, width = extents
            weight = weight.reshape(height, width, channels, -1).permute(2, 0, 1, 3).reshape(weight.shape)
        dense = nn.Linear(weight.shape[0], weight.shape[1], bias=options["use_bias"])
        dense.weight = nn.Parameter(weight.t().contiguous())
        if options["use_bias"]:
            dense.bias = self.parameter(layer, "bias")
        return [dense] + self.activation(options["activation"])

    def make_BatchNorm(self, layer, options, x):
        kind = nn.BatchNorm2d if x.dim() == 4 else nn.BatchNorm1d
        norm = kind(x.shape[1], eps=options["epsilon"], momentum=1 - options["momentum"])
        norm.weight, norm.bias = self.parameter(layer, "gamma"), self.parameter(layer, "beta")
        norm.weight.requires_grad_(options["scale"])
        norm.running_mean.copy_(self.weights[layer["name"] + ".moving_mean"])
        norm.running_var.copy_(self.weights[layer["name"] + ".moving_variance"])
        return [norm]

    def make_Activation(self, layer, options, x):
        self.keep_order(layer)
        made = self.activation(options["activation"])
        if self.readers[layer["inputs"][0]] > 1 and hasattr(made[0], "inplace"):
            made[0].inplace = False
        return made or [nn.Identity()]

    def make_Dropout(self, layer, options, x):
        self.keep_order(layer)
        return [nn.Dropout(options["rate"])]

    def pool(self, kind, value, options, x, **more):
        pool = options["pool"]
        strides = options["strides"] or pool
        pads = pads_of(options, x, pool, strides, options["dilation"])
        return padded(pads, value, lambda padding: kind(pool, strides, padding, **more))

    def make_MaxPool2D(self, layer, options, x):
        if options["pool"] == [1, 1] and options["padding"] == "valid":
            down, right = options["strides"]
            return [Apply(lambda image: image[:, :, ::down, ::right])]
        return self.pool(nn.MaxPool2d, float("-inf"), options, x, dilation=options["dilation"])

    def make_AveragePool2D(self, layer, options, x):
        made = self.pool(nn.AvgPool2d, 0.0, options, x, count_include_pad=False)
        if len(made) > 1 or options["dilation"] != [1, 1]:
            raise Refused(f"layer '{layer['name']}': PyTorch's AvgPool2d has no such pads or dilation")
        return made

    def make_GlobalAveragePool2D(self, layer, options, x):
        return [nn.AdaptiveAvgPool2d(1)] + ([] if options["keepdims"] else [nn.Flatten()])

    def make_GlobalMaxPool2D(self, layer, options, x):
        return [nn.AdaptiveMaxPool2d(1)] + ([] if options["keepdims"] else [nn.Flatten()])

    def make_Flatten(self, layer, options, x):
        if x.dim() == 4 and x.shape[1] > 1 and x.shape[2] * x.shape[3] > 1:
            self.rows[layer["name"]] = tuple(x.shape[1:])
        return [nn.Flatten()]

    def make_Add(self, layer, options, x):
        return [Merge(add_all)]

    def make_Concatenate(self, layer, options, x):
        if options["axis"] not in (-1, 2):
            raise Refused(f"layer '{layer['name']}' does not join channels")
        return [Merge(lambda inputs: torch.cat(inputs, 1))]

    def make_Multiply(self, layer, options, x):
        return [Merge(lambda inputs: inputs[0] * inputs[1])]

    def make_ZeroPadding2D(self, layer, options, x):
        top, bottom, left, right = (0, 0, 0, 0) if options["padding"] == "valid" else \
            map(int, options["padding"].split(","))
        pads = (left, right, top, bottom, options["channels_before"], options["channels_after"])
        return [Apply(lambda image: functional.pad(image, pads))]

    def keep_order(self, layer):
        if layer["inputs"][0] in self.rows:
            self.rows[layer["name"]] = self.rows[layer["inputs"][0]]


class Network:
    def __init__(self, request):
        torch.set_num_threads(request["threads"])
        torch.manual_seed(1)
        layers, weights = read_network(request["network"])
        extents = layers[0]["options"]["shape"]
        image = [extents[-1], *extents[:-1]] if len(extents) == 3 else extents
        self.batch = request["batch"]
        images = read_images(request["images"], (self.batch, *image))
        net = Layers(layers, weights, images[:1])
        with torch.inference_mode():
            outputs = net(images)
        with open(request["outputs"], "wb") as file:
            file.write(struct.pack(f"<{outputs.numel()}f", *outputs.flatten().tolist()))
        self.classes = outputs.shape[1]
        self.labels = torch.randint(0, self.classes, (LABEL_BATCHES, self.batch))
        self.at = 0
        self.loss = nn.CrossEntropyLoss()
        self.steps, self.formats = {}, {}
        for step in request["steps"]:
            self.choose(step, net, [torch.rand(self.batch, *image) for _ in range(IMAGE_BATCHES)])

    def choose(self, step, net, images):
        """Makes a step in the faster layout."""
        best = None
        for name, layout in (("NCHW", torch.contiguous_format), ("NHWC", torch.channels_last)):
            if images[0].dim() != 4 and name == "NHWC":
                continue
            batches = [batch.to(memory_format=layout) for batch in images] if images[0].dim() == 4 else images
            run = self.step_of(step, copy.deepcopy(net).to(memory_format=layout), batches)
            run()
            seconds = min(time_of(run, 0.05) for _ in range(3))
            if best is None or seconds < best:
                best = seconds
                self.steps[step], self.formats[step] = run, name

    def step_of(self, step, net, images):
        if step == "inference":
            net.eval()

            def infer():
                with torch.inference_mode():
                    net(images[self.at % IMAGE_BATCHES])
                self.at += 1

            return infer
        net.train()
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3, eps=1e-7)

        def train():
            labels = self.labels[self.at % LABEL_BATCHES]
            optimizer.zero_grad(set_to_none=True)
            output = net(images[self.at % IMAGE_BATCHES])
            loss = self.loss(output, labels)
            loss.backward()
            optimizer.step()
            int((output.argmax(1) == labels).sum())
            if not torch.isfinite(loss):
                raise Refused("the loss is not finite")
            self.at += 1

        return train


def time_of(step, seconds):
    start = time.perf_counter()
    steps = 0
    while True:
        step()
        steps += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return passed / steps


def main():
    network = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if network is None:
                network = Network(request)
                answer = {"name": "PyTorch", "version": torch.__version__, "setup": network.formats,
                          "file": torch.__file__}
            else:
                step = network.steps[request["step"]]
                time_of(step, min(WARM_UP_SECONDS, request["seconds"]))
                answer = {"seconds": time_of(step, request["seconds"])}
        except Refused as refused:
            answer = {"refused": str(refused)}
        print(json.dumps(answer), flush=True)


main()
