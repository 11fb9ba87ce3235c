"""Writes tensors as PyTorch's torch.save would, in either kind of file, with the standard library."""
import collections
import io
import pickle
import struct
import sys
import types
import zipfile

torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
sys.modules.update({"torch": torch, "torch._utils": utils})


def _rebuild_tensor_v2(*args):
    raise NotImplementedError


TYPES = {"FloatStorage": "f", "DoubleStorage": "d", "LongStorage": "q"}
for module, name in [(utils, "_rebuild_tensor_v2")] + [(torch, name) for name in TYPES]:
    thing = _rebuild_tensor_v2 if module is utils else type(name, (), {})
    thing.__module__, thing.__qualname__ = module.__name__, name
    setattr(module, name, thing)


class Tensor:
    """Numbers, row-major, of a shape."""

    def __init__(self, values, shape, kind="FloatStorage"):
        self.values, self.shape, self.kind = values, shape, kind

    def __reduce__(self):
        stride = [1] * len(self.shape)
        for i in range(len(self.shape) - 2, -1, -1):
            stride[i] = stride[i + 1] * self.shape[i + 1]
        return utils._rebuild_tensor_v2, (Storage(self), 0, tuple(self.shape), tuple(stride), False,
                                          collections.OrderedDict())


class Storage:
    def __init__(self, tensor):
        self.tensor = tensor


class Pickler(pickle._Pickler):
    def __init__(self, file):
        super().__init__(file, 2)
        self.tensors = []

    def persistent_id(self, thing):
        if not isinstance(thing, Storage):
            return None
        self.tensors.append(thing.tensor)
        return ("storage", getattr(torch, thing.tensor.kind), str(len(self.tensors) - 1), "cpu",
                len(thing.tensor.values), None)


def pickled(state):
    buffer = io.BytesIO()
    pickler = Pickler(buffer)
    pickler.dump(state)
    return buffer.getvalue(), pickler.tensors


def numbers(tensor):
    return struct.pack("<%d%s" % (len(tensor.values), TYPES[tensor.kind]), *tensor.values)


def write_legacy(path, state, lose_last=False):
    """Pickles, then storages: before PyTorch 1.6."""
    data, tensors = pickled(state)
    with open(path, "wb") as f:
        for value in (0x1950a86a20f9469cfc6c, 1001, {"little_endian": True}):
            pickle.dump(value, f, 2)
        f.write(data)
        pickle.dump([str(i) for i in range(len(tensors))], f, 2)
        for tensor in tensors[:-1] if lose_last else tensors:
            f.write(struct.pack("<q", len(tensor.values)) + numbers(tensor))


def write_zip(path, state, archive="archive"):
    """A zip of stored members: since PyTorch 1.6."""
    data, tensors = pickled(state)
    with zipfile.ZipFile(path, "w") as z:
        z.writestr(archive + "/data.pkl", data)
        z.writestr(archive + "/byteorder", "little")
        for i, tensor in enumerate(tensors):
            z.writestr("%s/data/%d" % (archive, i), numbers(tensor))
        z.writestr(archive + "/version", "3\n")
