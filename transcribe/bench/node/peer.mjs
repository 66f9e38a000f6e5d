// Recognises clips with Moonshine tiny as its own package does, and prints the
// cost as JSON. Usage: node peer.mjs ROUNDS CLIP.f32...
// A clip is mono 16 kHz audio as little-endian 32-bit floats.
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The bundle looks for Node's require to read files.
globalThis.require = createRequire(import.meta.url);
const { MoonshineModel, Settings } = await import('@moonshine-ai/moonshine-js');

// The package fetches its model and its runtime from the network; here both lie
// beside it. Its fetch knows no files, so the model goes through a socket.
const modules = import.meta.dirname + '/node_modules/';
const server = createServer((request, response) => {
  createReadStream(modules + '@moonshine-ai/moonshine-js/dist' + request.url).pipe(response);
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
Settings.BASE_ASSET_PATH.MOONSHINE = `http://127.0.0.1:${server.address().port}/`;
Settings.BASE_ASSET_PATH.ONNX_RUNTIME = pathToFileURL(modules + 'onnxruntime-web/dist/').href;

const [rounds, ...files] = process.argv.slice(2);
const clips = files.map((f) => {
  const b = readFileSync(f);
  return new Float32Array(b.buffer.slice(b.byteOffset, b.byteOffset + b.byteLength));
});

const model = new MoonshineModel('model/tiny');
await model.loadModel();
await model.generate(clips[0]);

const texts = [];
const best = clips.map(() => ({ wall: Infinity, cpu: Infinity }));
for (let round = 0; round < Number(rounds); round++) {
  for (let i = 0; i < clips.length; i++) {
    const cpu = process.cpuUsage();
    const start = performance.now();
    texts[i] = await model.generate(clips[i]);
    const wall = (performance.now() - start) / 1e3;
    const used = process.cpuUsage(cpu);
    best[i].wall = Math.min(best[i].wall, wall);
    best[i].cpu = Math.min(best[i].cpu, (used.user + used.system) / 1e6);
  }
}
const sum = (key) => best.reduce((s, b) => s + b[key], 0);
console.log(JSON.stringify({ wall: sum('wall'), cpu: sum('cpu'), texts }));
process.exit(0);
