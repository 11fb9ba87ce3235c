// What ONNX Runtime makes of the models of tests/blocks, whose lines it reads: writes outputs as
// floats [row][column][channel] to PATH.onnx.got.
'use strict';
process.env.ORT_DISABLE_TELEMETRY = '1';
const fs = require('fs');
const ort = require(require('path').resolve(process.env.DSTOOLS_ONNXRUNTIME, 'node_modules/onnxruntime-node'));

async function main() {
    for (const line of fs.readFileSync(0, 'utf8').trim().split('\n')) {
        const [path, ...size] = line.split(' ');
        const [c, h, w, channels, rows, columns] = size.map(Number);
        const area = rows * columns;
        const bytes = fs.readFileSync(`${path}.input`);
        const nhwc = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
        const nchw = nhwc.map((_, i) => nhwc[i % (h * w) * c + Math.floor(i / (h * w))]);
        const session = await ort.InferenceSession.create(`${path}.onnx`, {intraOpNumThreads: 1});
        const out = await session.run({input: new ort.Tensor('float32', nchw, [1, c, h, w])});
        const got = out.output.data.map((_, i, x) => x[i % channels * area + Math.floor(i / channels)]);
        fs.writeFileSync(`${path}.onnx.got`, Buffer.from(got.buffer));
        await session.release();
    }
}
main();
