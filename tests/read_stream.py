#!/usr/bin/env python3
"""Reads a stream as schemas/stream.md and schemas/space.md describe it, sharing no code with dstools.

Checks markers, counts, checksums, end marks and ids; prints a line for each record: id and sites. Plain
streams only.
"""
import ctypes
import json
import struct
import sys

xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
xxh3.restype = ctypes.c_uint64
xxh3.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def number(data, at, code):
    size = struct.calcsize(code)
    return struct.unpack_from(">" + code, data, at)[0], at + size


def unpack(data, at):
    """One msgpack object at data[at:]: the object, and where it ends."""
    t, at = data[at], at + 1
    if t <= 0x7F or t >= 0xE0:
        return t if t <= 0x7F else t - 256, at
    if t <= 0x8F:
        return pairs(data, at, t & 15)
    if t <= 0x9F:
        return items(data, at, t & 15)
    if t <= 0xBF:
        return data[at:at + (t & 31)].decode(), at + (t & 31)
    if t in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[t], at
    if 0xCA <= t <= 0xD3:
        return number(data, at, "fdBHIQbhiq"[t - 0xCA])
    if t == 0xD8:
        return (data[at], data[at + 1:at + 17]), at + 17
    length = {0xC4: "B", 0xC5: "H", 0xC6: "I", 0xD9: "B", 0xDA: "H", 0xDB: "I",
              0xDC: "H", 0xDD: "I", 0xDE: "H", 0xDF: "I"}[t]
    n, at = number(data, at, length)
    if t >= 0xDE:
        return pairs(data, at, n)
    if t >= 0xDC:
        return items(data, at, n)
    return (data[at:at + n].decode() if t >= 0xD9 else data[at:at + n]), at + n


def items(data, at, n):
    out = []
    for _ in range(n):
        o, at = unpack(data, at)
        out.append(o)
    return out, at


def pairs(data, at, n):
    out, at = items(data, at, 2 * n)
    return dict(zip(out[::2], out[1::2])), at


def choices(value):
    return value if isinstance(value, list) else [value]


def sites(space):
    """Name and choices of every site, in order; depth sites tell how many layers are active."""
    out = [("resolution", choices(space["resolution"]))]
    for part in ("stem", "head"):
        for i, step in enumerate(space[part]):
            for key in ("width", "repeat"):
                if isinstance(step.get(key), list):
                    out.append(("%s%d.%s" % (part, i, key), step[key]))
    names = [b["name"] for b in space["blocks"]]
    for u, unit in enumerate(space["units"]):
        depths = choices(unit["depth"])
        out.append(("unit%d.depth" % u, depths))
        out.append(("unit%d.width" % u, choices(unit["width"])))
        blocks = unit.get("blocks", names)
        for layer in range(max(depths)):
            each = isinstance(blocks[0], list)
            out.append(("unit%d.layer%d" % (u, layer), blocks[layer] if each else blocks))
    return out


def show(record, where):
    text = []
    assert len(where) == len(record["arch"])
    for (name, values), c in zip(where, record["arch"]):
        if c != 0xFF:
            text.append("%s=%s" % (name, values[c]))
    mine = sum(xxh3(t.encode(), len(t.encode())) for t in text) % 2 ** 64
    assert mine == record["id"], "id %x is not %x" % (record["id"], mine)
    print("%016x %s" % (mine, " ".join(text)))


def chain(a, b):
    return xxh3(struct.pack(">QQ", a, b), 16)


data = open(sys.argv[1], "rb").read()
at = records = checksums = 0
whole = True
while at < len(data):
    sync, head_at = unpack(data, at)
    if sync[0] == 0x45:
        assert struct.unpack(">QQ", sync[1]) == (records, chain(checksums, records)), "end mark"
        at, records, checksums, whole = head_at, 0, 0, True
        continue
    assert sync == (0x44, b"\xc1" * 16), "no marker at %d" % at
    head, at = unpack(data, head_at)
    version, space, provenance, count, size, checksum = head
    assert version in (1, 2) and data[at - 9] == 0xCF
    covered = data[head_at:at - 9] + data[at:at + size]
    assert checksum == xxh3(covered, len(covered)), "checksum"
    if version == 2:
        records, checksums, whole = records + count, chain(checksums, checksum), False
    assert all({"tool", "version", "args"} <= set(entry) for entry in provenance)
    where, end = sites(json.loads(space)), at + size
    for _ in range(count):
        record, at = unpack(data, at)
        if "arch" in record:
            show(record, where)
    assert at == end, "records end at %d, not %d" % (at, end)
assert whole, "no end mark"
